# SPDX-License-Identifier: Apache-2.0
"""The golden command model as a backend: the same bits as the RTL, without its time."""

from __future__ import annotations

import numpy as np

from sat_golden.command_model import CommandModel
from sat_golden.defs import Error
from sat_golden.memory import Memory

from ..address_space import byte_array
from ..backend import Backend, check_register
from ..config import SatConfig
from ..regs import ID_VALUE, VERSION_VALUE, Ctrl, IrqStatus, Reg, Status

DEFAULT_BASE = 0x1000_0000
DEFAULT_SIZE = 64 << 20


class GoldenBackend(Backend):
    """Registers and memory of a core that takes no time. `hazards` says what happens when a program
    has one: "warn", "error" (HazardError) or "ignore", as for sat_golden.CommandModel."""

    def __init__(self, config: SatConfig | None = None, memory_base: int = DEFAULT_BASE,
                 memory_size: int = DEFAULT_SIZE, hazards: str = "warn"):
        super().__init__(config or SatConfig.from_name(), memory_base, memory_size)
        self.memory = Memory(memory_base, memory_size, beat_bytes=self.config.data_w // 8)
        self.model = CommandModel(self.memory, self.config.addr_w, hazards)
        caps0 = (self.config.rows | self.config.cols << 8 | self.config.t << 16 | 16 << 24)
        self._registers: dict[int, int] = {
            Reg.ID: ID_VALUE, Reg.VERSION: VERSION_VALUE, Reg.CAPS0: caps0,
            Reg.CAPS1: self.config.data_w | self.config.addr_w << 16}

    def read_memory(self, addr: int, size: int) -> np.ndarray:
        with self.lock:
            return self._window(addr, size).copy()

    def write_memory(self, addr: int, data) -> None:
        data = byte_array(data)
        with self.lock:
            self._window(addr, data.size)[:] = data

    def _window(self, addr: int, size: int) -> np.ndarray:
        offset = self.offset_of(addr, size)
        return self.memory.data[offset : offset + size]

    def read_register(self, offset: int) -> int:
        check_register(offset)
        with self.lock:
            self.check_open()
            return self._registers.get(offset, 0)

    def write_register(self, offset: int, value: int) -> None:
        check_register(offset, value)
        with self.lock:
            self.check_open()
            if offset == Reg.CTRL:
                self._control(value)
            elif offset == Reg.IRQ_STATUS:
                self._registers[offset] = self._registers.get(offset, 0) & ~value
            else:
                self._registers[offset] = value

    def wait_for_interrupt(self) -> None:
        """A program has ended before `start` returns."""

    def _control(self, value: int) -> None:
        """A clear wins over a start."""
        if value & Ctrl.CLEAR:
            self._registers[Reg.STATUS] = 0
            self._registers[Reg.ERR_CODE] = Error.NONE
        elif value & Ctrl.START:
            self._start()

    def _start(self) -> None:
        registers = self._registers
        outcome = self.model.run(
            registers.get(Reg.PROG_ADDR_LO, 0) | registers.get(Reg.PROG_ADDR_HI, 0) << 32,
            registers.get(Reg.PROG_LEN, 0), registers.get(Reg.SEED, 0),
            registers.get(Reg.STEP, 0))
        status = Status.ERROR if outcome.code else Status.DONE
        registers[Reg.STATUS] = status | (Status.OVERFLOW if outcome.overflow else 0)
        registers[Reg.IRQ_STATUS] = IrqStatus.ERROR if outcome.code else IrqStatus.DONE
        registers[Reg.ERR_CODE] = outcome.code
        registers[Reg.ERR_INDEX] = outcome.index
        registers[Reg.ERR_ADDR_LO] = outcome.address & 0xFFFFFFFF
        registers[Reg.ERR_ADDR_HI] = outcome.address >> 32
