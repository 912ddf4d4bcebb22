# SPDX-License-Identifier: Apache-2.0
"""In which order the commands of both engines are issued, so that they run beside each other.

Commands are issued in order, so one that waits for its engine holds up all behind it. The order is
that of a simulation in which an engine that is free takes one of the commands that could start:
first what a barrier waits for (work of the host, or a check for overflow). What none waits for
fills gaps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import inf

ARRAY = "array"  # the two engines
VECTOR = "vector"

# Where both start a command at once the array's is issued first: behind one that still computes it
# can load, and what it may wait for of the vector engine is what was issued last there.
ENGINES = ARRAY, VECTOR

Key = tuple[float, ...]


@dataclass(frozen=True)
class Task:
    """A command, or without an engine a barrier: it begins when nothing runs, and takes no time.

    after   numbers of the tasks, before it in their sequence, that must be complete
    reads   of its cycles those in which memory is read for it; where both engines want more of
            memory than there is, the vector engine waits
    """

    engine: str | None
    cycles: float = 0.0
    after: Collection[int] = ()
    reads: float = 0.0

    def speed(self, beside: Task) -> float:
        """Of a command of the vector engine beside one of the array; 1 is that alone."""
        left = max(0.0, 1 - beside.reads / beside.cycles)
        wanted = self.reads / self.cycles
        return min(1.0, left / wanted) if wanted else 1.0


def arrange(tasks: Sequence[Task], fill: float = 0.0, longest_first: bool = False
            ) -> tuple[list[int], float]:
    """Numbers of the tasks in the order in which to issue them, and the cycles until all are done.

    fill           what no barrier waits for starts in a gap of at least this share of its cycles,
                   or behind the last barrier
    longest_first  of what barriers wait for, that with the longest chain of tasks behind it is
                   first, and not the first of the sequence
    """
    return _Simulation(tasks, fill, longest_first).run()


class _Simulation:
    def __init__(self, tasks: Sequence[Task], fill: float, longest_first: bool):
        self.tasks, self.fill, self.longest_first = tasks, fill, longest_first
        self.then: list[list[int]] = [[] for _ in tasks]
        for number, task in enumerate(tasks):
            for other in task.after:
                self.then[other].append(number)
        self.waits = [len(task.after) for task in tasks]
        self.needed, self.keys = self._keys()
        self.barriers = [number for number, task in enumerate(tasks) if task.engine is None][::-1]
        # By engine what could start: what a barrier waits for, and the rest.
        self.urgent: dict[str, list[tuple[Key, int]]] = {ARRAY: [], VECTOR: []}
        self.spare: dict[str, list[tuple[Key, int]]] = {ARRAY: [], VECTOR: []}
        self.running: dict[str, tuple[int, float]] = {}  # the task, and how much of it is left
        self.started: dict[str, int] = {}  # just now
        self.order: list[int] = []
        for number, count in enumerate(self.waits):
            if not count:
                self._ready(number)

    def _keys(self) -> tuple[list[bool], list[Key]]:
        """Whether a barrier waits for a task, and where it stands among others of its engine: for
        those that none waits for by Johnson's rule for two machines in a row, which is the best
        where each command of the array has one of the vector engine."""
        needed = [task.engine is None for task in self.tasks]
        tails = [0.0] * len(self.tasks)  # cycles from its end to that of all that waits for it
        keys: list[Key] = [()] * len(self.tasks)
        for number in reversed(range(len(self.tasks))):
            task = self.tasks[number]
            needed[number] |= any(needed[other] for other in self.then[number])
            tails[number] = max((tails[other] + self.tasks[other].cycles
                                 for other in self.then[number]), default=0.0)
            if needed[number]:
                keys[number] = (-tails[number] - task.cycles,) if self.longest_first else ()
            elif task.cycles < tails[number]:
                keys[number] = (0, task.cycles)
            else:
                keys[number] = (1, -tails[number])
        return needed, keys

    def _ready(self, number: int) -> None:
        engine = self.tasks[number].engine
        if engine is not None:
            ready = self.urgent if self.needed[number] else self.spare
            heappush(ready[engine], (self.keys[number], number))

    def _complete(self, number: int) -> None:
        for other in self.then[number]:
            self.waits[other] -= 1
            if not self.waits[other]:
                self._ready(other)

    def run(self) -> tuple[list[int], float]:
        now = 0.0
        while len(self.order) < len(self.tasks) or self.running:
            for choose in (self._next, self._filler):
                for engine in ENGINES:
                    if engine not in self.running and (number := choose(engine)) is not None:
                        self.running[engine] = number, self.tasks[number].cycles
                        self.started[engine] = number
            self.order += [self.started.pop(engine) for engine in ENGINES
                           if engine in self.started]
            if self.running:
                now += self._advance()
            else:
                barrier = self.barriers.pop()
                self.order.append(barrier)
                self._complete(barrier)
        return self.order, now

    def _next(self, engine: str) -> int | None:
        """What a barrier waits for, and behind the last one anything."""
        ready = self.urgent[engine] or (self.spare[engine] if not self.barriers else [])
        return heappop(ready)[1] if ready else None

    def _filler(self, engine: str) -> int | None:
        """The longest that the gap is long enough for: it lasts while the other engine works, as
        what could start is there already."""
        gap = max((left for _, left in self.running.values()), default=0.0)
        fitting = [entry for entry in self.spare[engine]
                   if gap and self.fill * self.tasks[entry[1]].cycles <= gap]
        if not fitting:
            return None
        found = max(fitting, key=lambda entry: self.tasks[entry[1]].cycles)
        self.spare[engine].remove(found)
        heapify(self.spare[engine])
        return found[1]

    def _advance(self) -> float:
        """Until the next command is complete; returns the cycles."""
        left = {engine: (rest / speed if speed else inf)
                for engine, rest, speed in self._speeds()}
        step = min(left.values())
        for engine, rest, speed in list(self._speeds()):
            number = self.running[engine][0]
            if left[engine] <= step:
                del self.running[engine]
                self._complete(number)
            else:
                self.running[engine] = number, rest - step * speed
        return step

    def _speeds(self) -> Iterator[tuple[str, float, float]]:
        array = self.running.get(ARRAY)
        for engine, (number, rest) in self.running.items():
            beside = engine is VECTOR and array is not None
            yield engine, rest, (self.tasks[number].speed(self.tasks[array[0]])
                                 if beside and array else 1.0)
