# SPDX-License-Identifier: Apache-2.0
"""A core in hardware: registers and memory mapped into this process."""

from __future__ import annotations

import mmap
import os
import time

import numpy as np

from ..address_space import byte_array, check_window
from ..backend import REGISTER_BYTES, Backend, SatTimeout, check_register
from ..config import SatConfig
from ..regs import IrqStatus, Reg


class MmioBackend(Backend):
    """Registers as 32-bit words, memory as bytes; `open` maps both from device files.

    The memory must look the same to core and host: uncached, or kept coherent by the platform.
    """

    def __init__(self, config: SatConfig, registers, memory, memory_base: int,
                 timeout: float = 60.0):
        """`registers[i]` is the word at byte offset 4*i; `memory` a uint8 array whose first byte
        the core sees at address `memory_base`."""
        super().__init__(config, memory_base, len(memory))
        self.timeout = timeout
        self._registers, self._memory = registers, memory
        self.check_identity()

    @classmethod
    def open(cls, config: SatConfig, register_file: str, memory_file: str, memory_base: int,
             memory_size: int, register_offset: int = 0, memory_offset: int = 0,
             timeout: float = 60.0) -> "MmioBackend":
        """Map device files, for example /dev/uio0 and /dev/udmabuf0, or XDMA's user and bypass."""
        check_window(config, memory_base, memory_size)
        registers = _map(register_file, REGISTER_BYTES, register_offset, np.uint32)
        memory = _map(memory_file, memory_size, memory_offset, np.uint8)
        return cls(config, registers, memory, memory_base, timeout)

    def read_memory(self, addr: int, size: int) -> np.ndarray:
        with self.lock:
            start = self.offset_of(addr, size)
            return np.array(self._memory[start : start + size])

    def write_memory(self, addr: int, data) -> None:
        data = byte_array(data)
        with self.lock:
            start = self.offset_of(addr, data.size)
            self._memory[start : start + data.size] = data

    def read_register(self, offset: int) -> int:
        check_register(offset)
        with self.lock:
            self.check_open()
            return int(self._registers[offset // 4])

    def write_register(self, offset: int, value: int) -> None:
        check_register(offset, value)
        with self.lock:
            self.check_open()
            self._registers[offset // 4] = int(value)

    def close(self) -> None:
        with self.lock:
            super().close()
            self._registers = self._memory = None  # unmaps files

    def wait_for_interrupt(self) -> None:
        """Polls; programs are long against a register read."""
        deadline = time.monotonic() + self.timeout
        wanted = IrqStatus.DONE | IrqStatus.ERROR
        while not self.read_register(Reg.IRQ_STATUS) & wanted:
            if time.monotonic() > deadline:
                raise SatTimeout(f"no interrupt within {self.timeout} s")
            time.sleep(1e-5)


def _map(path: str, size: int, offset: int, dtype: type) -> np.ndarray:
    handle = os.open(path, os.O_RDWR | os.O_SYNC)
    try:
        return np.frombuffer(mmap.mmap(handle, size, offset=offset), dtype)
    finally:
        os.close(handle)
