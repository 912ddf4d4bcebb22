# SPDX-License-Identifier: Apache-2.0
"""The memory that a core and its host share: a window of addresses, read, written and handed out.

Tensors lie in one. A backend is one that also runs programs.
"""

from __future__ import annotations

import operator
import sys
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from sat_golden.arguments import integer
from sat_golden.defs import TENSOR_ALIGN

from .config import SatConfig

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it since Python 3.11


class AddressSpace(ABC):
    """A window of a core's addresses.

    Threads may share it: each access waits for the one before it. `lock` is held by whoever needs
    several accesses to belong together.
    """

    def __init__(self, config: SatConfig, memory_base: int, memory_size: int):
        self.config = config
        self.memory_base, self.memory_size = check_window(config, memory_base, memory_size)
        self.lock = threading.RLock()
        self.closed = False
        self.used = 0  # bytes of the memory, from its beginning, that are handed out

    @property
    def home(self) -> AddressSpace:
        """Where its bytes are: elsewhere, if its addresses stand for others (sat.scratch)."""
        return self

    @abstractmethod
    def read_memory(self, addr: int, size: int) -> np.ndarray:
        """A copy of `size` bytes, as uint8."""

    @abstractmethod
    def write_memory(self, addr: int, data) -> None:
        """Write bytes, or a uint8 array."""

    def reserve(self, size: int, alignment: int = TENSOR_ALIGN) -> int:
        """The address of `size` bytes that nobody else has. MemoryError if there are not as many
        left."""
        size = integer("size", size, 1, sys.maxsize)
        alignment = integer("alignment", alignment, 1, sys.maxsize)
        with self.lock:
            addr = align(self.memory_base + self.used, alignment)
            left = self.memory_base + self.memory_size - addr
            if size > left:
                raise MemoryError(f"{size} bytes asked for, {max(0, left)} left in the memory "
                                  f"window of {self.memory_size} bytes")
            self.used = align(addr + size) - self.memory_base
            return addr

    def close(self) -> None:
        """Release what the backend holds; any later access is an error."""
        self.closed = True

    def check_open(self) -> None:
        """Raise RuntimeError after `close`."""
        if self.closed:
            raise RuntimeError(f"{type(self).__name__}: is closed")

    def offset_of(self, addr: int, size: int) -> int:
        """Where `size` bytes begin within the memory window; ValueError if it lacks some."""
        self.check_open()
        offset = addr - self.memory_base
        if offset < 0 or size < 0 or offset + size > self.memory_size:
            raise ValueError(f"addr: {size} bytes at {addr:#x} are outside the memory window")
        return offset

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info) -> None:
        self.close()


def align(size: int, unit: int = TENSOR_ALIGN) -> int:
    """`size` rounded up to a multiple of `unit`."""
    return -(-size // unit) * unit


def check_window(config: SatConfig, base: int, size: int) -> tuple[int, int]:
    """Base and size of a memory window; ValueError for what the core cannot address."""
    base, size = operator.index(base), operator.index(size)
    for name, value, least in (("memory_base", base, 0), ("memory_size", size, TENSOR_ALIGN)):
        if value < least or value % TENSOR_ALIGN:
            raise ValueError(f"{name}: {value} is not a multiple of {TENSOR_ALIGN} from {least} on")
    if base + size > 1 << config.addr_w:
        raise ValueError(f"memory_size: {size} bytes at {base:#x} pass the {config.addr_w} address "
                         "bits of the core")
    return base, size


def byte_array(data) -> np.ndarray:
    """Bytes, or a uint8 array of any shape, as a flat array; TypeError for elements of another
    type."""
    array = np.asarray(memoryview(data) if isinstance(data, (bytes, bytearray)) else data)
    if array.dtype != np.uint8:
        raise TypeError(f"data: {array.dtype}, but must be bytes or uint8")
    return array.reshape(-1)
