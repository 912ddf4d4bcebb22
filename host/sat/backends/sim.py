# SPDX-License-Identifier: Apache-2.0
"""The RTL in simulation: a Verilated library (host/sat/sim/sat_sim.cpp) with its own AXI memory."""

from __future__ import annotations

import ctypes
import functools
import weakref
from collections.abc import Iterator
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int, c_int64, c_uint8, c_uint32, c_uint64
from pathlib import Path

import numpy as np

from sat_golden.arguments import integer

from ..address_space import byte_array
from ..backend import Backend, SatTimeout, check_register
from ..config import SatConfig
from ..sim.library import Variant, build
from .golden import DEFAULT_BASE, DEFAULT_SIZE

OKAY, SLVERR, DECERR = 0, 2, 3
LINE_BYTES = 64
SLICE = 100_000  # cycles times PEs between two looks at Ctrl-C: a tenth of a second

_BOARD = ctypes.c_void_p
_FUNCTIONS = {  # name: (result, arguments)
    "create": (_BOARD, [c_uint64, c_uint64]),
    "destroy": (None, [_BOARD]),
    "reset": (None, [_BOARD]),
    "memory": (POINTER(c_uint8), [_BOARD]),
    "place": (None, [_BOARD, c_uint64, POINTER(c_uint32), c_uint64]),
    "cycle": (c_uint64, [_BOARD]),
    "fault": (c_char_p, [_BOARD]),
    "step": (None, [_BOARD, c_uint64]),
    "run_until_irq": (c_int64, [_BOARD, c_uint64]),
    "write_register": (c_int, [_BOARD, c_uint32, c_uint32]),
    "read_register": (c_int, [_BOARD, c_uint32, POINTER(c_uint32)]),
    "set_latency": (None, [_BOARD, c_uint32, c_uint32]),
    "set_pauses": (None, [_BOARD, c_uint64, c_double, c_double]),
    "add_error": (None, [_BOARD, c_uint64, c_uint64, c_uint8, c_bool, c_bool]),
    "clear_errors": (None, [_BOARD]),
}


@functools.cache
def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, f"sat_sim_{name}")
        function.restype, function.argtypes = result, arguments
    return library


class SimBackend(Backend):
    """A simulated board. Builds its `library` on first use, which takes about a minute.

    The memory is that of the machine, as it is used. A run ends with SatTimeout after `max_cycles`.
    """

    def __init__(self, config: SatConfig | None = None, memory_base: int = DEFAULT_BASE,
                 memory_size: int = DEFAULT_SIZE, max_cycles: int = 200_000_000,
                 variant: Variant | None = None):
        super().__init__(config or SatConfig.from_name(), memory_base, memory_size)
        self.max_cycles = _count("max_cycles", max_cycles, 1)
        self._slice = max(1, SLICE // (self.config.rows * self.config.cols))
        self.library = _load(build(self.config, variant=variant))
        self._board = self.library.sat_sim_create(self.memory_base, self.memory_size)
        if not self._board:
            raise MemoryError(f"memory_size: {self.memory_size} bytes are more than there are")
        self._free = weakref.finalize(self, self.library.sat_sim_destroy, self._board)
        self._free.atexit = False
        self._image = np.ctypeslib.as_array(self._call("memory"), (self.memory_size,))
        self.check_identity()

    def close(self) -> None:
        with self.lock:
            super().close()
            self._board, self._image = None, np.zeros(0, np.uint8)
            self._free()

    def _call(self, name: str, *arguments):
        """A function of the library, which knows neither threads nor a board that is gone."""
        with self.lock:
            self.check_open()
            return getattr(self.library, f"sat_sim_{name}")(self._board, *arguments)

    def reset(self) -> None:
        """Reset the core; the memory keeps its contents."""
        self._call("reset")

    def abort(self) -> None:
        """Where the memory stays silent, by a reset, which costs the registers."""
        with self.lock:
            try:
                super().abort()
            except SatTimeout:
                self.reset()

    def place(self, base: int, tags: np.ndarray | None = None) -> None:
        """Let the memory begin at `base`; with `tags`, uint32, one per line of 64 bytes, let its
        lines lie anywhere.

        Line i then answers at base + 64*(i + tags[i]*len(tags)), modulo 2^40, and nowhere else;
        len(tags) is a power of two, and lines without a tag answer nowhere. read_memory and
        write_memory find line i at base + 64*i in any case.
        """
        tags = np.zeros(0, np.uint32) if tags is None else np.asarray(tags)
        if not np.issubdtype(tags.dtype, np.integer):
            raise TypeError(f"tags: {tags.dtype}, but must be integers")
        if tags.size and not (0 <= tags.min() and tags.max() < 1 << 32):
            raise ValueError("tags: not all are in 0..2^32-1")
        tags = np.ascontiguousarray(tags, np.uint32)
        lines = tags.size
        if (base % LINE_BYTES or not 0 <= base < 1 << 64 or lines & lines - 1
                or lines * LINE_BYTES > self.memory_size):
            raise ValueError(f"base, tags: no placement of {lines} lines at {base:#x}")
        self.memory_base = base
        self._call("place", base, tags.ctypes.data_as(POINTER(c_uint32)), lines)

    @property
    def cycle(self) -> int:
        """Clock cycles simulated so far."""
        return self._call("cycle")

    def set_latency(self, read: int = 40, write: int = 40) -> None:
        """Cycles from an address to its first data, and from the last data to its response."""
        self._call("set_latency", _count("read", read), _count("write", write))

    def set_pauses(self, chance: float, seed: int = 1, write: float | None = None) -> None:
        """Let each channel of the memory pause in a random fraction of all cycles; those of writes
        in the fraction `write`, if that is given."""
        write = chance if write is None else write
        for name, value in (("chance", chance), ("write", write)):
            if not 0 <= value < 1:
                raise ValueError(f"{name}: {value} is not in [0, 1)")
        self._call("set_pauses", integer("seed", seed, 0, (1 << 64) - 1), chance, write)

    def add_error(self, start: int, end: int, response: int = SLVERR, on_read: bool = True,
                  on_write: bool = True) -> None:
        """Answer accesses of the bytes [start, end) with SLVERR or DECERR. OKAY makes RLAST of the
        beats read there wrong."""
        if not 0 <= start < end <= 1 << 64:
            raise ValueError(f"start, end: no bytes of 64 address bits in [{start:#x}, {end:#x})")
        if response not in (OKAY, SLVERR, DECERR):
            raise ValueError(f"response: {response} is not OKAY, SLVERR or DECERR")
        self._call("add_error", start, end - 1, response, on_read, on_write)

    def clear_errors(self) -> None:
        self._call("clear_errors")

    def step(self, cycles: int = 1) -> None:
        """Let the clock run."""
        for count in self._slices(_count("cycles", cycles)):
            self._call("step", count)
        self._check_fault()

    def read_memory(self, addr: int, size: int) -> np.ndarray:
        with self.lock:
            return self._window(addr, size).copy()

    def write_memory(self, addr: int, data) -> None:
        data = byte_array(data)
        with self.lock:
            self._window(addr, data.size)[:] = data

    def _window(self, addr: int, size: int) -> np.ndarray:
        offset = self.offset_of(addr, size)
        return self._image[offset : offset + size]

    def read_register(self, offset: int) -> int:
        check_register(offset)
        value = c_uint32()
        self._check(self._call("read_register", offset, value), offset)
        return value.value

    def write_register(self, offset: int, value: int) -> None:
        check_register(offset, value)
        self._check(self._call("write_register", offset, value), offset)

    def _check(self, response: int, offset: int) -> None:
        self._check_fault()
        if response != OKAY:
            raise RuntimeError(f"register {offset:#x}: response {response}")

    def wait_for_interrupt(self) -> None:
        with self.lock:
            came = any(self._call("run_until_irq", count) >= 0
                       for count in self._slices(self.max_cycles))
        self._check_fault()
        if not came:
            raise SatTimeout(f"no interrupt within {self.max_cycles} cycles")

    def _slices(self, cycles: int) -> Iterator[int]:
        """`cycles` in parts, between which Python looks at signals."""
        for done in range(0, cycles, self._slice):
            yield min(self._slice, cycles - done)

    def _check_fault(self) -> None:
        """Raises what the board has to say of the core: the protocol, and assertions if these are
        built in."""
        fault = self._call("fault").decode().strip()
        if fault:
            raise RuntimeError(fault)


def _count(name: str, value: int, least: int = 0) -> int:
    """ValueError or TypeError for what does not fit the 32 bits of a count of cycles."""
    return integer(name, value, least, (1 << 32) - 1)
