# SPDX-License-Identifier: Apache-2.0
"""Where things lie that share memory: two of which one is needed while the other is lie apart.

Time is counted in steps between which everything is complete.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Life:
    """Bytes, and the spans of time in which they hold something: each its first and its last step.
    """

    name: str
    size: int
    spans: tuple[tuple[int, int], ...]

    @property
    def time(self) -> int:
        """In which it holds something."""
        return sum(last - first + 1 for first, last in self.spans)

    def holds_at(self, time: int) -> bool:
        return any(first <= time <= last for first, last in self.spans)

    def meets(self, other: Life) -> bool:
        """Whether there is a step in which both hold something."""
        return any(first <= end and begin <= last for first, last in self.spans
                   for begin, end in other.spans)


# The large first, or the large and long: neither is always the better.
ORDERS: tuple[Callable[[Life], tuple[int, ...]], ...] = (
    lambda life: (-life.size, -life.time), lambda life: (-life.size * life.time,))


def place(lives: Sequence[Life]) -> list[int]:
    """Where each begins, as bytes from the first: one after the other at the lowest place that is
    free all its life, in the order that needs the fewest bytes."""
    meeting = [{other for other, neighbour in enumerate(lives) if life.meets(neighbour)}
               for life in lives]
    found = [_placed(lives, meeting, sorted(range(len(lives)), key=lambda at: key(lives[at])))
             for key in ORDERS]
    return min(found, key=lambda starts: needed(lives, starts))


def needed(lives: Sequence[Life], starts: Sequence[int]) -> int:
    """Bytes of all."""
    return max((start + life.size for start, life in zip(starts, lives)), default=0)


def _placed(lives: Sequence[Life], meeting: Sequence[set[int]], order: Sequence[int]) -> list[int]:
    starts = [0] * len(lives)
    placed: list[tuple[int, int]] = []  # start, number
    for number in order:
        size, start = lives[number].size, 0
        for other, neighbour in placed:
            if neighbour in meeting[number]:
                if other >= start + size:
                    break
                start = max(start, other + lives[neighbour].size)
        starts[number] = start
        insort(placed, (start, number))
    return starts


def clashes(lives: Sequence[Life], starts: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of numbers of those that share a byte and hold something at the same time."""
    order = sorted(range(len(lives)), key=lambda number: starts[number])
    found = []
    for index, number in enumerate(order):
        end = starts[number] + lives[number].size
        for other in order[index + 1 :]:
            if starts[other] >= end:
                break
            if lives[number].meets(lives[other]):
                found.append((number, other))
    return found


def fullest(lives: Sequence[Life]) -> list[Life]:
    """Those that hold something when the most bytes do, the largest first."""
    times = {first for life in lives for first, _ in life.spans}
    alive = [[life for life in lives if life.holds_at(time)] for time in sorted(times)]
    most = max(alive, key=lambda found: sum(life.size for life in found), default=[])
    return sorted(most, key=lambda life: -life.size)


def explain(name: str, needed: int, there: int, largest: Sequence[Life]) -> str:
    """Why something does not fit."""
    tensors = ", ".join(f"{life.name} {life.size:,}" for life in largest[:4])
    return (f"{name} needs {needed:,} bytes of memory, {needed - there:,} more than there are; the "
            f"largest that are needed at a time: {tensors}")
