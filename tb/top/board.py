# SPDX-License-Identifier: Apache-2.0
"""The fast simulated boards of the top-level tests, and runs of random programs on them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from sat.backends import SimBackend
from sat.config import SatConfig
from sat.regs import Ctrl, IrqStatus, Reg, Status
from sat.sim.library import ASSERTIONS
from sat_golden.memory import ErrorRegion
from tb.common.require import require
from tb.common.rng import make_rng
from tb.common.runner import replay_line
from tb.top.expect import Expected
from tb.top.random_program import BASE, SIZE, Program, each_seed

MAX_CYCLES = 20_000_000
ALL_IRQS = IrqStatus.DONE | IrqStatus.ERROR | IrqStatus.FENCE
SILENT = 1 - 1e-9  # chance of a pause: the memory does nothing at all


@functools.cache
def board(shape: str, size: int = SIZE) -> Board:
    """This process's board of an array shape. Processes share the library."""
    return Board(SatConfig.from_name(shape), BASE, size, MAX_CYCLES, ASSERTIONS)


@dataclass
class Ending:
    """Registers when the interrupt has come."""

    status: int
    irqs: int
    code: int
    index: int
    address: int

    @property
    def overflow(self) -> bool:
        return bool(self.status & Status.OVERFLOW)


class Board(SimBackend):
    """A simulated board, with the steps of a run apart."""

    def prepare(self, program: Program, seed: int = 0) -> None:
        """Memory as and where the program expects it, with random latencies and pauses. Some wait
        so long with writes that everything on the way there fills up."""
        rng = make_rng("bus", seed)
        self.clear_errors()
        self.place(program.base, program.tags)
        self.write_memory(program.base, program.image)
        self.write_register(Reg.SEED, program.seed)
        self.write_register(Reg.STEP, program.step)
        slow = rng.random() < 0.1
        self.set_latency(int(rng.integers(1, 80)), int(rng.integers(1, 1500 if slow else 80)))
        read, write = rng.choice([0.0, 0.1, 0.3, 0.7]), rng.choice([0.0, 0.1, 0.3, 0.7, 0.97])
        self.set_pauses(read, seed, write)

    def inject(self, errors: list[ErrorRegion]) -> None:
        for region in errors:
            self.add_error(region.start, region.end, region.response, region.on_read,
                           region.on_write)

    def start(self, address: int, length: int) -> None:
        self.write_register(Reg.PROG_ADDR_LO, address & 0xFFFFFFFF)
        self.write_register(Reg.PROG_ADDR_HI, address >> 32)
        self.write_register(Reg.PROG_LEN, length)
        self.write_register(Reg.IRQ_ENABLE, IrqStatus.DONE | IrqStatus.ERROR)
        self.write_register(Reg.CTRL, Ctrl.START)

    def clear(self) -> None:
        """Leave any error, forget the interrupts."""
        self.write_register(Reg.CTRL, Ctrl.CLEAR)
        self.write_register(Reg.IRQ_STATUS, ALL_IRQS)

    def ending(self) -> Ending:
        low, high = self.read_register(Reg.ERR_ADDR_LO), self.read_register(Reg.ERR_ADDR_HI)
        return Ending(self.read_register(Reg.STATUS), self.read_register(Reg.IRQ_STATUS),
                      self.read_register(Reg.ERR_CODE), self.read_register(Reg.ERR_INDEX),
                      low | high << 32)

    def run_to_end(self, program: Program) -> Ending:
        self.start(program.address, program.length)
        self.wait_for_interrupt()
        return self.ending()

    def image(self, program: Program) -> np.ndarray:
        return self.read_memory(program.base, program.image.size)

    def check(self, program: Program, seed: int = 0) -> dict[str, int]:
        """Runs a program that has no error and compares everything; returns the counters."""
        expected = Expected(program)
        self.prepare(program, seed)
        end = self.run_to_end(program)
        expected.check_error(end.code, end.index, end.address)
        expected.check_memory(self.image(program))
        expected.check_overflow(end.overflow)
        require(end.status & ~Status.OVERFLOW == Status.DONE, "STATUS %#x: %s", end.status,
                program)
        require(bool(end.irqs & IrqStatus.FENCE) == bool(expected.result.fence_irqs),
                "IRQ_STATUS %#x: %s", end.irqs, program)
        self.clear()
        return self.read_counters()


@contextmanager
def replayable(seed: int, batch: int) -> Iterator[None]:
    """A failure inside ends with the line that repeats it: batch 0 begins with the seed."""
    try:
        yield
    except Exception as error:
        line = replay_line("tb/top", [], seed).replace(f"{batch}]", "0]")
        raise AssertionError(f"{error}\nreplay: {line}") from error


def run_batch(shape: str, batch: int, count: int, test: Callable[[Board, int], None],
              size: int = SIZE) -> None:
    """`test` on `count` seeds; after a failure the board starts afresh."""
    core = board(shape, size)
    for seed in each_seed(batch, count):
        with replayable(seed, batch):
            try:
                test(core, seed)
            except Exception:
                core.reset()
                raise
