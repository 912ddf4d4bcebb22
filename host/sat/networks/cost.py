# SPDX-License-Identifier: Apache-2.0
"""What a program costs: when each command runs, and the bytes that it moves.

By the estimates of sat.plan, at once, or by its cycle model, to the cycle.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from ..config import SatConfig
from ..plan import ARRAY, VECTOR, model
from ..program import Command, Program
from ..traffic import moved_bytes


@dataclass(frozen=True)
class Run:
    """A command in time: cycles since the start, and bytes."""

    command: Command
    start: float
    end: float
    bytes_read: float
    bytes_written: float

    @property
    def cycles(self) -> float:
        return self.end - self.start

    def after(self, cycles: float) -> Run:
        return replace(self, start=self.start + cycles, end=self.end + cycles)


def run(config: SatConfig, program: Program) -> Iterator[Run]:
    """The commands of a program that begins at 0, estimated. They are issued in order; one waits
    for its engine, and without `overlap` for all before it."""
    free = {ARRAY: 0.0, VECTOR: 0.0}
    issued = 0.0
    for command in program:
        waits = [issued, max(free.values()) if not command.descriptor.overlap else 0.0]
        if command.engine:
            waits.append(free[command.engine])
        start = issued = max(waits)
        end = start + command.estimate
        if command.engine:
            free[command.engine] = end
        yield Run(command, start, end, *moved_bytes(config, command))


def run_exact(config: SatConfig, programs: Sequence[Program]) -> Iterator[list[Run]]:
    """The same by the cycle model, of several programs that each begin at 0: on all processors, as
    the model leaves Python's lock. Of those that take the same time one is run."""
    described = [[command.descriptor for command in program] for program in programs]
    keys = [model.alike(config, descriptors) for descriptors in described]
    different = dict(zip(keys, described))
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        made = dict(zip(different, pool.map(partial(model.run, config), different.values())))
    for key, program in zip(keys, programs):
        yield [Run(command, span.start, span.end, span.bytes_read, span.bytes_written)
               for command, span in zip(program, made[key].spans)]
