# SPDX-License-Identifier: Apache-2.0
"""The C driver from Python: builds it as a library, and gives it a backend of the host as HAL."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_bool,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int32,
    c_size_t,
    c_ubyte,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path

import numpy as np

from sat.backend import Backend, SatTimeout
from sat.memory import FP16, FP32, INDEX, Compressed, Stack, Tensor
from sat.toolchain import compiler, flags
from sat_golden.windows import Windows

SW = Path(__file__).resolve().parents[1]
BUILD = SW.parent / "build" / "sw"
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-O2"]
INCLUDES = [f"-I{SW}", f"-I{SW / 'include'}", f"-I{SW / 'hal'}"]
DRIVER = [SW / "sat.c", SW / "hal" / "sat_mmio.c", SW / "hal" / "sat_linux.c"]

OK, E_IO, E_ID, E_ARGUMENT, E_FULL, E_TIMEOUT, E_CORE = 0, -1, -2, -3, -4, -5, -6
DESC_WORDS = 32
Descriptor = c_uint32 * DESC_WORDS


def compile_c(output: Path, sources: list[Path], *options: str) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    draft = output.with_name(f"{output.name}.{os.getpid()}")  # tests may run side by side
    subprocess.run([*compiler("CC"), *FLAGS, *INCLUDES, *flags("CPPFLAGS", "CFLAGS"),
                    *map(str, sources), "-o", str(draft), *options, *flags("LDFLAGS")], check=True)
    draft.rename(output)
    return output


READ_REGISTER = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, POINTER(c_uint32))
WRITE_REGISTER = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, c_uint32)
READ_MEMORY = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, POINTER(c_ubyte), c_size_t)
WRITE_MEMORY = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, POINTER(c_ubyte), c_size_t)
WAIT = ctypes.CFUNCTYPE(c_int, c_void_p)


class Hal(Structure):
    _fields_ = [("context", c_void_p), ("read_register", READ_REGISTER),
                ("write_register", WRITE_REGISTER), ("read_memory", READ_MEMORY),
                ("write_memory", WRITE_MEMORY), ("wait", WAIT)]


class Device(Structure):
    _fields_ = [("hal", Hal), *((name, c_uint32) for name in (
        "version", "rows", "cols", "interleave", "address_bits"))]


class CTensor(Structure):
    _fields_ = [("address", c_uint64), ("rows", c_uint32), ("cols", c_uint32),
                ("stride", c_uint32), ("format", c_int)]


class Matrix(Structure):
    _fields_ = [("rows", c_uint32), ("cols", c_uint32), ("n", c_uint32), ("m", c_uint32),
                ("values", CTensor), ("indices", CTensor)]


class CStack(Structure):
    _fields_ = [("count", c_uint32), *Matrix._fields_]


class CWindows(Structure):
    _fields_ = [*((name, c_uint32) for name in (
        "images", "map_h", "map_w", "out_h", "out_w", "kernel_h", "kernel_w", "step_log2",
        "dilation_log2", "upsample_log2")), ("pad_top", c_int32), ("pad_left", c_int32)]


class Arena(Structure):
    _fields_ = [("next", c_uint64), ("end", c_uint64)]


class CProgram(Structure):
    _fields_ = [("commands", POINTER(Descriptor)), ("capacity", c_uint32), ("length", c_uint32)]


class MatmulOptions(Structure):
    _fields_ = [("a_trans", c_bool), ("relu", c_bool), ("overlap", c_bool),
                ("bias", POINTER(CTensor)), ("residual", POINTER(CTensor)),
                ("mask", POINTER(CTensor)), ("sums", POINTER(CTensor)),
                ("row_interleave", c_uint32)]


class AffineOptions(Structure):
    _fields_ = [("y", POINTER(CTensor)), ("beta", POINTER(CTensor)), ("relu", c_bool),
                ("overlap", c_bool)]


class UpdateOptions(Structure):
    _fields_ = [("lr", c_float), ("momentum", c_float), ("inv_scale", c_float),
                ("decay", c_float), ("skip_on_overflow", c_bool), ("overlap", c_bool)]


class CResult(Structure):
    _fields_ = [("overflow", c_bool), ("cycles", c_uint64), ("error", c_uint32),
                ("error_index", c_uint32), ("error_address", c_uint64)]


class LinuxHost(Structure):
    _fields_ = [("registers", POINTER(c_uint32)), ("memory", c_void_p), ("base", c_uint64),
                ("size", c_uint64), ("register_file", c_int), ("event_file", c_int),
                ("to_core_file", c_int), ("from_core_file", c_int), ("rearm", c_bool),
                ("timeout_ms", c_int)]


class Mmio(Structure):
    _fields_ = [("registers", c_void_p), ("memory", c_void_p), ("base", c_uint64),
                ("size", c_uint64)]


@functools.cache
def library(name: str = "libsat.so", sources: tuple[Path, ...] = (),
            flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    """The driver, compiled now; `name` tells it from those with other sources and flags."""
    lib = ctypes.CDLL(str(compile_c(BUILD / name, [*DRIVER, *sources], "-shared", "-fPIC",
                                    *flags)), use_errno=True)
    lib.sat_half.argtypes, lib.sat_half.restype = [c_double], c_uint16
    lib.sat_half_value.argtypes, lib.sat_half_value.restype = [c_uint16], c_double
    lib.sat_error_name.restype = c_char_p
    lib.sat_start.argtypes = [c_void_p, c_void_p, c_uint64]
    lib.sat_run.argtypes = [c_void_p, c_void_p, c_uint64, c_void_p]
    lib.sat_read.argtypes = lib.sat_write.argtypes = [c_void_p, c_void_p, c_void_p, c_size_t]
    lib.sat_uio_open.argtypes = [c_void_p, c_char_p, c_char_p, c_uint64, c_uint64, c_uint64]
    lib.sat_xdma_open.argtypes = [c_void_p, c_char_p]
    lib.sat_linux_hal.restype = lib.sat_mmio_hal.restype = Hal
    return lib


def backend_hal(backend: Backend) -> Hal:
    """A backend of the Python host as HAL; an exception in it is a failure."""
    def guarded(function):
        def call(_, *arguments):
            try:
                function(*arguments)
            except SatTimeout:
                return E_TIMEOUT
            except Exception:
                return 1
            return 0
        return call

    def read_register(offset, value):
        value[0] = backend.read_register(offset)

    def read_memory(address, data, size):
        data_view(data, size)[:] = backend.read_memory(address, size)

    def write_memory(address, data, size):
        backend.write_memory(address, data_view(data, size).copy())

    def data_view(data, size) -> np.ndarray:
        return np.ctypeslib.as_array(data, (size,))

    return Hal(None, READ_REGISTER(guarded(read_register)),
               WRITE_REGISTER(guarded(backend.write_register)), READ_MEMORY(guarded(read_memory)),
               WRITE_MEMORY(guarded(write_memory)), WAIT(guarded(backend.wait_for_interrupt)))


FORMATS = {INDEX: 4, FP16: 16, FP32: 32}


def c_tensor(tensor: Tensor) -> CTensor:
    return CTensor(tensor.addr, *tensor.shape, tensor.stride, FORMATS[tensor.format])


def c_matrix(matrix: Compressed | Tensor) -> Matrix:
    if isinstance(matrix, Tensor):
        return Matrix(*matrix.shape, 2, 2, c_tensor(matrix), CTensor())
    indices = CTensor() if matrix.indices is None else c_tensor(matrix.indices)
    return Matrix(*matrix.shape, matrix.n, matrix.m, c_tensor(matrix.values), indices)


def c_stack(stack: Stack) -> CStack:
    indices = CTensor() if stack.indices is None else c_tensor(stack.indices)
    return CStack(stack.count, *stack.shape, stack.n, stack.m, c_tensor(stack.values), indices)


def c_windows(windows: Windows) -> CWindows:
    return CWindows(*(getattr(windows, name) for name, _ in CWindows._fields_))


class Builder:
    """A C program, with the calls of the Python host's Program."""

    def __init__(self, capacity: int = 16):
        self.storage = (Descriptor * capacity)()
        self.program = CProgram(self.storage, capacity, 0)

    def pack(self) -> bytes:
        return bytes(self.storage)[: 128 * self.program.length]

    def matmul(self, a: Tensor, s: Compressed | Tensor, out: Tensor, **options) -> int:
        return library().sat_matmul(byref(self.program), byref(c_tensor(a)), byref(c_matrix(s)),
                                    byref(c_tensor(out)), _options(MatmulOptions, options))

    def conv(self, a: Tensor, s: Compressed | Stack | Tensor, out: Tensor, windows: Windows, *,
             a_trans: bool = False, **options) -> int:
        call, operand = library().sat_conv, c_stack
        if a_trans:
            call, operand = library().sat_conv_gradient, c_matrix
        return call(byref(self.program), byref(c_tensor(a)), byref(operand(s)),
                    byref(c_tensor(out)), byref(c_windows(windows)),
                    _options(MatmulOptions, options))

    def affine(self, x: Tensor, out: Tensor, alpha: Tensor, gamma: Tensor, **options) -> int:
        return library().sat_affine(byref(self.program),
                                    *(byref(c_tensor(t)) for t in (x, out, alpha, gamma)),
                                    _options(AffineOptions, options))

    def stats(self, x: Tensor, total: Tensor, dot: Tensor, *, y: Tensor | None = None,
              overlap: bool = False) -> int:
        return library().sat_stats(byref(self.program), byref(c_tensor(x)),
                                   byref(c_tensor(y)) if y else None, byref(c_tensor(total)),
                                   byref(c_tensor(dot)), c_bool(overlap))

    def max_pool(self, x: Tensor, out: Tensor, winner: Tensor, windows: Windows, *,
                 overlap: bool = False) -> int:
        return library().sat_max_pool(byref(self.program),
                                      *(byref(c_tensor(t)) for t in (x, out, winner)),
                                      byref(c_windows(windows)), c_bool(overlap))

    def max_pool_backward(self, d_out: Tensor, winner: Tensor, d_x: Tensor, windows: Windows, *,
                          overlap: bool = False) -> int:
        return library().sat_max_pool_backward(byref(self.program),
                                               *(byref(c_tensor(t)) for t in (d_out, winner, d_x)),
                                               byref(c_windows(windows)), c_bool(overlap))

    def prune(self, w: Tensor, *, ff=None, bp=None, overlap: bool = False) -> int:
        return library().sat_prune(byref(self.program), byref(c_tensor(w)), *_copies(ff, bp),
                                   c_bool(overlap))

    def sample(self, w: Tensor, *, ff=None, layer: int = 0, overlap: bool = False) -> int:
        copy, _ = _copies(ff, None)
        return library().sat_sample(byref(self.program), byref(c_tensor(w)), copy, c_uint32(layer),
                                    c_bool(overlap))

    def update(self, w: Tensor, v: Tensor, dw: Tensor, *, ff=None, bp=None, **options) -> int:
        return library().sat_update(byref(self.program), byref(c_tensor(w)), byref(c_tensor(v)),
                                    byref(c_tensor(dw)), *_copies(ff, bp),
                                    byref(UpdateOptions(**options)))

    def fence(self, *, irq: bool = False) -> int:
        return library().sat_fence(byref(self.program), c_bool(irq))


def _copies(*matrices: Compressed | None) -> list:
    return [None if matrix is None else byref(c_matrix(matrix)) for matrix in matrices]


def _options(kind: type[Structure], options: dict):
    """A structure of options; tensors among them become pointers."""
    return byref(kind(**{name: ctypes.pointer(c_tensor(value)) if isinstance(value, Tensor)
                         else value for name, value in options.items()}))
