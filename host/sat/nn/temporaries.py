# SPDX-License-Identifier: Apache-2.0
"""Tensors that do not outlive a step: those that are never needed together share memory.

When each is needed follows from what the scheduled scripts read and write, as the schedule does.
Time is counted in programs and actions of the host, between which everything is complete. So no
command waits for another because of where its tensors lie, however the engines overlap, the order
within a program does not matter, and what a program writes is there when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..address_space import align
from ..core import Core
from ..memory import Memory, Tensor
from ..plan.place import Life, clashes, explain, fullest, needed, place
from ..program import Program
from ..scratch import Scratch
from .schedule import Schedule
from .script import HostWork, Script

ALIGN = 128  # as all tensors (Memory.tensor)
Passes = Sequence[Sequence[Schedule]]


class Temporaries(Memory):
    """Hands out tensors of scripts, which have memory from `use` on.

    A tensor holds what was written to it until it is read for the last time in its pass, or in a
    later one that reads it before it writes it. With `keep` each has memory of its own, for whoever
    wants to look at it behind its last use.
    """

    def __init__(self, core: Core, keep: bool = False):
        self.scratch = Scratch(core.backend)
        super().__init__(self.scratch)
        self.core, self.keep = core, keep
        self._uses: dict[str, dict[int, list[list[int]]]] = {}  # spans of tensors by their numbers
        self._ends: dict[str, int] = {}
        self._places: list[int] = []
        self._arena = self._arena_end = 0

    def use(self, name: str, passes: Passes) -> None:
        """Memory for these passes one after the other, and for those of other names; between two
        uses nothing is held. MemoryError with what is needed at a time, if it does not fit.

        If tensors get other addresses for it, scripts are to be made anew.
        """
        if name in self._uses:
            return
        self._uses[name], self._ends[name] = spans_of(self.scratch, self.tensors, passes)
        lives = self.lives()
        if len(self._places) < len(lives) or clashes(lives, self._places):
            starts = place(lives)
            try:
                self._reserve(needed(lives, starts), lives)
            except MemoryError:
                del self._uses[name]
                raise
            self._places = starts
            self.scratch.move([self._arena + start for start in starts])

    def _reserve(self, size: int, lives: Sequence[Life]) -> None:
        """As much memory: what is there already grows if nothing else lies behind it."""
        backend, there = self.core.backend, self.shared_bytes
        if size <= there:
            return
        if self._arena_end != backend.memory_base + backend.used:
            there = 0
        left = there + backend.memory_size - backend.used
        try:
            begin = self.core.reserve(size - there, ALIGN)
        except MemoryError:
            raise MemoryError(explain("what lives within a step", size, left, fullest(lives))
                              ) from None
        self._arena, self._arena_end = begin - there, begin - there + size

    def lives(self) -> list[Life]:
        """Of all tensors, in all that they are used for, one behind the other."""
        spans: list[list[tuple[int, int]]] = [[] for _ in self.tensors]
        begin = 0
        for name, found in self._uses.items():
            for number, own in found.items():
                spans[number] += [(begin + first, begin + last) for first, last in own]
            begin += self._ends[name]
        return [life_of(tensor, ((0, begin),) if self.keep else tuple(own))
                for tensor, own in zip(self.tensors, spans)]

    @property
    def shared_bytes(self) -> int:
        """That the tensors take."""
        return self._arena_end - self._arena

    @property
    def all_bytes(self) -> int:
        """That they would take if none shared any."""
        return sum(life.size for life in self.lives())

    @property
    def peak_bytes(self) -> int:
        """Of the core's memory that are in use, by these and by all that stays."""
        return self.core.used

    @property
    def unshared_bytes(self) -> int:
        """What that would be if none shared any."""
        return self.peak_bytes - self.shared_bytes + self.all_bytes

    def held_at(self, time: int) -> int:
        """Bytes that must not be lost between this program, or action, and the next."""
        return sum(life.size for life in self.lives()
                   if any(first <= time < last for first, last in life.spans))


def life_of(tensor: Tensor, spans: tuple[tuple[int, int], ...] = ()) -> Life:
    return Life(tensor.name, align(tensor.rows * tensor.stride, ALIGN), spans)


def timed_steps(scripts: Sequence[Script], time: int = 0
                ) -> Iterator[tuple[int, Program | HostWork]]:
    """Programs and the host's work with their time. Between scripts one passes, in which the host
    makes the gradient of the loss, or the next batch."""
    for script in scripts:
        for step in script.steps:
            yield time, step
            time += 1
        time += 1


@dataclass
class _Span:
    """Of a tensor in a pass.

    written  views that lie apart
    exposed  something is read that nothing in the pass has written before it
    """

    first: int
    last: int
    written: list[Tensor] = field(default_factory=list)
    exposed: bool = False


def spans_of(scratch: Scratch, tensors: Sequence[Tensor], passes: Passes
             ) -> tuple[dict[int, list[list[int]]], int]:
    """When each tensor holds something, by its number, and when all has ended. ValueError for one
    that is read without having been written, and for work of the host that does not say what it
    reads and writes."""
    found: dict[int, list[list[int]]] = {}
    before: dict[int, list[Tensor]] = {}  # written in the last span of each
    begin = 0
    for schedules in passes:
        scripts = [script for schedule in schedules for script in schedule.drafts()]
        spans: dict[int, _Span] = {}
        time = begin
        for time, step in timed_steps(scripts, begin):
            for item in [step] if isinstance(step, HostWork) else step:
                if isinstance(item, HostWork) and not item.told:
                    raise ValueError("script: work of the host does not say what it reads and "
                                     "writes, so nothing can share memory")
                for number, view in _of(scratch, item.reads):
                    whole, span = tensors[number], spans.setdefault(number, _Span(time, time))
                    span.last = time
                    if not _covered(whole, view, span.written):
                        span.exposed = True
                        if not _covered(whole, view, before.get(number, ())):
                            raise ValueError(f"{view.name}: is read before it is written")
                for number, view in _of(scratch, item.writes):
                    span = spans.setdefault(number, _Span(time, time))
                    span.last = time
                    if not any(view.overlaps(other) for other in span.written):
                        span.written.append(view)
        for number, span in spans.items():
            if span.exposed:
                found[number][-1][1] = span.last
            else:
                found.setdefault(number, []).append([span.first, span.last])
                before[number] = span.written
        begin = time + 2
    return found, begin


def _of(scratch: Scratch, views: Sequence[Tensor]) -> Iterator[tuple[int, Tensor]]:
    for view in views:
        number = scratch.number_of(view)
        if number is not None:
            yield number, view


def _covered(whole: Tensor, view: Tensor, written: Sequence[Tensor]) -> bool:
    """Whether views of a matrix that lie apart have all elements of another one."""
    found, wanted = 0, view.rows * view.row_bytes
    for other in written:
        found += _common_bytes(whole, view, other)
        if found >= wanted:
            return True
    return False


def _common_bytes(whole: Tensor, one: Tensor, other: Tensor) -> int:
    """That two views of a matrix have in common; of views with strides of their own none."""
    if not one.stride == other.stride == whole.stride:
        return 0
    (top, left), (other_top, other_left) = (divmod(view.addr - whole.addr, whole.stride)
                                            for view in (one, other))
    rows = min(top + one.rows, other_top + other.rows) - max(top, other_top)
    cols = min(left + one.row_bytes, other_left + other.row_bytes) - max(left, other_left)
    return max(0, rows) * max(0, cols)
