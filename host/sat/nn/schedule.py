# SPDX-License-Identifier: Apache-2.0
"""The order in which a script's commands are issued: found once, from what each reads and writes.

A script is written down in an order in which its work could be done one after the other. From that
follows what must wait for what; everything else may change places, also with work of the host. So
the array works on one part of a batch while the vector engine works on another, a gradient is made
as soon as its operands exist if the array would wait, and else beside the updates.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from math import inf

import numpy as np

from sat_golden import native

from ..config import SatConfig
from ..core import MAX_COMMANDS, Core
from ..memory import FP16, Tensor
from ..plan import ARRAY, Task, arrange, model
from ..plan.estimate import STARTUP
from ..program import Command, Program
from ..scratch import moved, scratch_of
from ..traffic import moved_bytes
from .gradients import Gradient
from .optim import Sgd
from .script import CHECK, HostWork, Script

Item = Command | HostWork
Order = tuple[int, ...]  # of items

# Shares of a command's cycles that a gap must have to be filled by it (sat.plan.arrange).
FILLS = 0.0, 1 / 64, 1 / 16, 1 / 4, inf
MODELLED = 40e6  # cycles of candidates that the cycle model runs at most
WORTH_A_CUT = 0.97  # share of the estimated cycles below which more commands pay


class Schedule:
    """The best order of a script's work that was found.

    cycles  that it takes by the cycle model; where that cannot be built, or would run for long, it
            is estimated
    """

    def __init__(self, script: Script):
        self.core, self._uses, self._items = script.core, script.uses, list(script.items())
        self._scratch = next(filter(None, map(scratch_of, self._items)), None)
        self._moved: list[Item] = []  # the items where they are, after so many moves
        self._moves = -1
        config = self.core.backend.config
        tasks = [_task(config, item, earlier)
                 for item, earlier in zip(self._items, dependences(self._items))]
        found = {tuple(order): cycles for order, cycles in (
            arrange(tasks, *choice) for choice in itertools.product(FILLS, (False, True)))}
        best = sorted(found, key=lambda order: found[order])
        count = int(MODELLED / (1 + found[best[0]]))
        if count > 1:
            found = self._modelled({tuple(range(len(tasks))), *best[: count - 1]}) or found
        self._order = min(found, key=lambda order: found[order])
        self.cycles = found[self._order]

    def _modelled(self, orders: Collection[Order]) -> dict[Order, float]:
        """Their cycles by the cycle model, if it can be built."""
        try:
            return {order: self._modelled_cycles(order) for order in orders}
        except native.BuildError:
            return {}

    def _modelled_cycles(self, order: Order) -> int:
        config = self.core.backend.config
        return sum(model.run(config, [command.descriptor for command in program]).cycles
                   for script in self._scripts(order) for program in script.programs)

    def drafts(self) -> list[Script]:
        """The scripts before tensors that share memory have got it: they tell when each is needed,
        and do not run."""
        return self._scripts(self._order)

    def scripts(self, sgd: Sgd | None = None) -> list[Script]:
        """The work up to each check, and behind the last; the updates by `sgd`."""
        if self._scratch is None:
            return self._scripts(self._order, sgd)
        if self._moves != self._scratch.moves:
            self._moved = [moved(item) if isinstance(item, Command) else item
                           for item in self._items]
            self._moves = self._scratch.moves
        return self._scripts(self._order, sgd, self._moved)

    def program(self, sgd: Sgd | None = None) -> Program:
        """All as one program, in which the overflow latch holds; ValueError if it does not fit."""
        programs = [program for script in self.scripts(sgd) for program in script.programs]
        if len(programs) != 1:
            raise ValueError(f"step: {len(self._items)} commands, but {MAX_COMMANDS} fit a program")
        return programs[0]

    def _scripts(self, order: Order, sgd: Sgd | None = None,
                 items: Sequence[Item] | None = None) -> list[Script]:
        """Of the items, or of these instead, which are where they are."""
        made = [Script(self.core)]
        for number in order:
            item, use = (items or self._items)[number], self._uses.get(number)
            if item is CHECK:
                made.append(Script(self.core))
            elif isinstance(item, HostWork):
                made[-1].steps.append(item)
            elif use and sgd:
                command = use(self.core.program(), sgd)
                made[-1].program.append(moved(command) if items else command)
            else:
                made[-1].program.append(item)
        return made


def _task(config: SatConfig, item: Item, after: set[int]) -> Task:
    if isinstance(item, HostWork) or item.engine is None:
        return Task(None, after=after)
    reads = moved_bytes(config, item)[0] / (config.data_w // 8)
    # Where the array has something to do, a command begins behind another that hides its start.
    hidden = STARTUP if item.engine is ARRAY else 0
    return Task(item.engine, item.estimate - hidden, after, reads)


def choose_cuts(core: Core, gradients_of: Callable[[Sequence[bool]], Sequence[Gradient]],
                layers: int) -> list[bool]:
    """Which layers' gradients are worth being cut into blocks of rows, for updates to begin sooner.
    It is found from none cut on, and from all: two cuts may pay where neither does alone."""
    def cycles(cuts: Sequence[bool]) -> float:
        script = Script(core)
        for gradient in gradients_of(cuts):
            gradient.start(script.program)
            gradient.use(script)
        return Schedule(script).cycles

    def search(cut: bool, worth: float) -> tuple[list[bool], float]:
        cuts = [cut] * layers
        best = cycles(cuts)
        for index in range(layers):
            trial = [*cuts[:index], not cut, *cuts[index + 1 :]]
            other = cycles(trial)
            if other < worth * best:
                cuts, best = trial, other
        return cuts, best

    few, few_cycles = search(False, WORTH_A_CUT)
    many, many_cycles = search(True, 1 / WORTH_A_CUT)
    return many if many_cycles < WORTH_A_CUT * few_cycles else few


def dependences(items: Sequence[Item]) -> list[set[int]]:
    """Of each the numbers of those before it that must be complete: it reads or writes what they
    write, or writes what they read. The host's work keeps its order; where it does not say what it
    reads and writes, it depends on all before it, and all behind depends on it. A FENCE and a check
    wait for the host and for all that may overflow, which is what writes FP16, and what was written
    down behind them for them."""
    reads, writes = _Accesses(), _Accesses()
    found: list[set[int]] = []
    barriers: set[int] = set()  # that all behind waits for
    host: set[int] = set()  # the last
    overflows: set[int] = set()
    for number, item in enumerate(items):
        own = set(barriers)
        if item is CHECK or isinstance(item, Command) and item.engine is None:
            own |= overflows | host
            barriers = {number}
        elif isinstance(item, HostWork) and not item.told:
            own |= set(range(number))
            barriers = {number}
        for tensor in item.reads:
            own |= writes.meeting(tensor)
        for tensor in item.writes:
            own |= writes.meeting(tensor) | reads.meeting(tensor)
        if isinstance(item, HostWork):
            own |= host
            host = {number}
        for tensor in item.reads:
            reads.add(tensor, number)
        for tensor in item.writes:
            writes.add(tensor, number)
        if any(tensor.format is FP16 for tensor in item.writes):
            overflows.add(number)
        found.append(own)
    return found


class _Accesses:
    """Tensors, and who touches them."""

    def __init__(self) -> None:
        self._tensors: list[Tensor] = []
        self._numbers: list[int] = []
        self._extents = np.zeros((2, 64), np.int64)  # starts and ends, with room for more

    def add(self, tensor: Tensor, number: int) -> None:
        count = len(self._tensors)
        if count == self._extents.shape[1]:
            self._extents = np.concatenate([self._extents, np.zeros_like(self._extents)], axis=1)
        self._extents[:, count] = tensor.extent
        self._tensors.append(tensor)
        self._numbers.append(number)

    def meeting(self, tensor: Tensor) -> set[int]:
        """Who touches a byte of the tensor, perhaps (Tensor.overlaps)."""
        start, end = tensor.extent
        starts, ends = self._extents[:, : len(self._tensors)]
        return {self._numbers[at] for at in np.flatnonzero((starts < end) & (ends > start))
                if self._tensors[at].overlaps(tensor)}
