# SPDX-License-Identifier: Apache-2.0
"""How much memory a step needs if tensors that are never needed together share it.

Time is counted in programs, between which everything is complete: two tensors share memory only if
the last program, or work of the host, that touches one comes before the first that touches the
other.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..address_space import align
from ..memory import Tensor
from ..nn.script import HostWork
from ..program import Program
from .description import Lowered


@dataclass(frozen=True)
class Life:
    """A tensor's bytes, and the first and the last time at which they hold something."""

    tensor: Tensor
    first: int
    last: int

    @property
    def size(self) -> int:
        return align(self.tensor.rows * self.tensor.stride, 128)


@dataclass(frozen=True)
class Placement:
    """kept  bytes that are needed from step to step: weights, velocities, constants
    saved    bytes that FF leaves for BP and WU
    shared   bytes that hold everything but `kept`
    largest  of the lives where most is alive, largest first
    """

    kept: int
    saved: int
    shared: int
    largest: Sequence[Life]

    def peak(self, count: int) -> int:
        """Bytes of `count` parts like this one, of which each keeps its own until its BP."""
        return count * self.kept + (count - 1) * self.saved + self.shared


def place(tensors: Sequence[Tensor], lowered: Lowered) -> Placement:
    """Of a part whose tensors are these, in the order of their addresses."""
    kept, lives, boundary = lives_of(tensors, lowered)
    shared = max((start + life.size for life, start in starts_of(lives)), default=0)
    times = range(max((life.last for life in lives), default=0) + 1)
    alive = [[life for life in lives if life.first <= time <= life.last] for time in times]
    most = max(alive, key=lambda found: sum(life.size for life in found))
    return Placement(sum(kept), sum(life.size for life in lives
                                    if life.first <= boundary < life.last), shared,
                     sorted(most, key=lambda life: -life.size))


def timed_steps(lowered: Lowered) -> Iterator[tuple[int, Program | HostWork]]:
    """Programs and the host's work with their time. Between scripts one passes, in which the host
    makes the gradient of the loss, or the next batch."""
    time = 0
    for script in lowered.scripts.values():
        for step in script.steps:
            time += 1
            yield time, step
        time += 1


def lives_of(tensors: Sequence[Tensor], lowered: Lowered
             ) -> tuple[list[int], list[Life], int]:
    """Sizes of what is kept, lives of the rest, and the time at which the first script ends."""
    addresses = [tensor.addr for tensor in tensors]

    def owner(view: Tensor) -> int:
        return bisect_right(addresses, view.addr) - 1

    spans: dict[int, list[int]] = {}
    written: dict[int, list[Tensor]] = {owner(tensor): [tensor] for tensor in lowered.writes}
    keeps = set(range(len(tensors)))  # untouched ones, and those read before they are written
    for time, step in timed_steps(lowered):
        for item in [step] if isinstance(step, HostWork) else step:
            for index, view in ((owner(view), view) for view in item.reads):
                if index not in spans:
                    keeps.discard(index)
                spans.setdefault(index, [time - (index in written), time])[1] = time
                if not _covered(view, written.get(index, ())):
                    keeps.add(index)
            for index, view in ((owner(view), view) for view in item.writes):
                if index not in spans:
                    keeps.discard(index)
                spans.setdefault(index, [time, time])[1] = time
                written.setdefault(index, []).append(view)
    for index in map(owner, lowered.reads):
        if index in spans:
            spans[index][1] += 1
    return ([Life(tensors[index], 0, 0).size for index in sorted(keeps)],
            [Life(tensors[index], *span) for index, span in spans.items() if index not in keeps],
            len(next(iter(lowered.scripts.values())).steps))


def _covered(view: Tensor, written: Sequence[Tensor]) -> bool:
    """Whether the writes make all that a read takes: where they do not, as behind the end of a bias
    that UPDATE sees in rows of 16, it must stay what it was."""
    elements = sum(tensor.rows * tensor.cols for tensor in written if tensor.overlaps(view))
    return elements >= view.rows * view.cols


def starts_of(lives: Sequence[Life]) -> Iterator[tuple[Life, int]]:
    """Each with where it lies: the largest first, at the lowest place that is free all its life."""
    placed: list[tuple[int, int, Life]] = []  # start, number
    for number, life in enumerate(sorted(lives, key=lambda life: -life.size)):
        start = 0
        for other, _, neighbour in placed:
            if neighbour.last < life.first or life.last < neighbour.first:
                continue
            if other >= start + life.size:
                break
            start = max(start, other + neighbour.size)
        insort(placed, (start, number, life), key=lambda entry: entry[:2])
        yield life, start


def explain(name: str, needed: int, there: int, largest: Sequence[Life]) -> str:
    """Why a network does not fit."""
    tensors = ", ".join(f"{life.tensor.name} {life.size:,}" for life in largest[:4])
    return (f"{name} needs {needed:,} bytes of memory, {needed - there:,} more than there are; the "
            f"largest that are needed at a time: {tensors}")
