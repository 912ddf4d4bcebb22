# SPDX-License-Identifier: Apache-2.0
"""What runs a program: the interface of all backends, and the register sequence they share.

A backend has a memory window and registers. Simulation, golden model and hardware differ in how
they reach those; starting a program, waiting, and turning an error into an exception is done here.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from sat_golden.defs import Error

from .address_space import AddressSpace
from .program import Program
from .regs import COUNTERS, ID_VALUE, Ctrl, IrqEnable, IrqStatus, Reg, Status

DONE_OR_ERROR = IrqStatus.DONE | IrqStatus.ERROR
AT_WORK = Status.BUSY | Status.DRAINING
REGISTER_BYTES = 4096  # of the register window
REST_SECONDS = 5.0  # that a core may take to come to rest


class SatError(RuntimeError):
    """The core stopped with an error. `code`, `index` and `address` are those of its registers."""

    def __init__(self, code: int, index: int, address: int, label: str = ""):
        self.code, self.index, self.address, self.label = code, index, address, label
        try:
            name = Error(code).name
        except ValueError:
            name = "unknown"
        command = f"command {index}" + (f" ({label})" if label else "")
        super().__init__(f"error {code} {name} in {command}, address {address:#x}")


class SatTimeout(RuntimeError):
    """A program did not end in the time allowed."""


@dataclass
class Result:
    """How a program ended. On the golden model, which knows no time, the counters are zero."""

    overflow: bool = False  # a NaN or an infinity was written
    counters: dict[str, int] = field(default_factory=dict)
    error: SatError | None = None

    @property
    def cycles(self) -> int:
        """Clock cycles from start to done."""
        return self.counters.get("CYCLES", 0)


class Backend(AddressSpace):
    """A core and its memory. `lock` is held for the whole of a run. `sample_seed` and
    `sample_step` (32 bits) are what the random bits of samples depend on, besides the layer."""

    sample_seed = 0
    sample_step = 0

    @abstractmethod
    def read_register(self, offset: int) -> int: ...

    @abstractmethod
    def write_register(self, offset: int, value: int) -> None: ...

    @abstractmethod
    def wait_for_interrupt(self) -> None:
        """Return when the interrupt line is high; raise SatTimeout if that takes too long."""

    def run(self, addr: int, program: Program) -> Result:
        """Write a program to memory at `addr`, run it, and report.

        An error of the core raises SatError (with the command's label), after which the core is
        ready for the next program.
        """
        with self.lock:
            self.write_memory(addr, program.pack())
            result = self.run_at(addr, len(program))
        if result.error:
            index = result.error.index
            label = program.commands[index].label if index < len(program) else ""
            raise SatError(result.error.code, index, result.error.address, label)
        return result

    def run_at(self, addr: int, count: int) -> Result:
        """Run the `count` descriptors at `addr`; an error is returned, and cleared in the core.

        If something else ends it early (a timeout, Ctrl-C), the core is stopped, and takes the next
        program.
        """
        with self.lock:
            try:
                if self.read_register(Reg.STATUS) & (AT_WORK | Status.ERROR):
                    self.abort()  # what someone else has left
                self.write_register(Reg.PROG_ADDR_LO, addr & 0xFFFFFFFF)
                self.write_register(Reg.PROG_ADDR_HI, addr >> 32)
                self.write_register(Reg.PROG_LEN, count)
                self.write_register(Reg.SEED, self.sample_seed)
                self.write_register(Reg.STEP, self.sample_step)
                self.write_register(Reg.IRQ_STATUS, DONE_OR_ERROR)
                self.write_register(Reg.IRQ_ENABLE, IrqEnable.DONE | IrqEnable.ERROR)
                self.write_register(Reg.CTRL, Ctrl.START)
                self.wait_for_interrupt()
                return self._read_result()
            except BaseException:
                if not self.closed:
                    self.abort()
                raise

    def abort(self) -> None:
        """Stop the program, if one runs, and forget errors. The outputs of commands that were
        running are undetermined. SatTimeout if the bus does not come to rest."""
        with self.lock:
            # If a refused start is recorded, the first clear only forgets that; while the bus
            # drains, a second one does nothing.
            self.write_register(Reg.CTRL, Ctrl.CLEAR)
            self.write_register(Reg.CTRL, Ctrl.CLEAR)
            self._wait_for_rest("a clear")
            self.write_register(Reg.IRQ_STATUS, DONE_OR_ERROR)

    def _read_result(self) -> Result:
        error = self._read_error() if self.read_register(Reg.STATUS) & Status.ERROR else None
        result = Result(bool(self.read_register(Reg.STATUS) & Status.OVERFLOW),
                        self.read_counters(), error)
        if error:
            self.write_register(Reg.CTRL, Ctrl.CLEAR)
        self.write_register(Reg.IRQ_STATUS, DONE_OR_ERROR)
        return result

    def read_counters(self) -> dict[str, int]:
        """The performance counters of the last program."""
        return {name: self.read_register(offset) | self.read_register(offset + 4) << 32
                for name, offset in COUNTERS.items()}

    def _read_error(self) -> SatError:
        self._wait_for_rest("an error")
        address = (self.read_register(Reg.ERR_ADDR_LO)
                   | self.read_register(Reg.ERR_ADDR_HI) << 32)
        return SatError(self.read_register(Reg.ERR_CODE), self.read_register(Reg.ERR_INDEX),
                        address)

    def _wait_for_rest(self, event: str) -> None:
        deadline = time.monotonic() + REST_SECONDS
        while self.read_register(Reg.STATUS) & AT_WORK:
            if time.monotonic() > deadline:
                raise SatTimeout(f"the core does not come to rest after {event}")

    def check_identity(self) -> None:
        """Raise RuntimeError unless the registers are those of a core of this configuration."""
        identity = self.read_register(Reg.ID)
        if identity != ID_VALUE:
            raise RuntimeError(f"ID register holds {identity:#010x}, not {ID_VALUE:#010x}: "
                               "no SAT core here")
        caps = self.read_register(Reg.CAPS0)
        shape = caps & 0xFF, caps >> 8 & 0xFF, caps >> 16 & 0xFF
        if shape != (self.config.rows, self.config.cols, self.config.t):
            raise RuntimeError(
                f"config: the core is {shape[0]}x{shape[1]} with T = {shape[2]}, not "
                f"{self.config.rows}x{self.config.cols} with T = {self.config.t}")


def check_register(offset: int, value: int = 0) -> None:
    """ValueError or TypeError for an access that the register window does not take."""
    for name, number in (("offset", offset), ("value", value)):
        if not isinstance(number, (int, np.integer)):
            raise TypeError(f"{name}: {number!r} is not an integer")
    if offset % 4 or not 0 <= offset < REGISTER_BYTES:
        raise ValueError(f"offset: {offset:#x} is not a word of the registers")
    if not 0 <= value < 1 << 32:
        raise ValueError(f"value: {value} does not fit a register")
