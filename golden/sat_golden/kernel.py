# SPDX-License-Identifier: Apache-2.0
"""The compiled twins of the hot loops (kernel.cpp): built once per processor, kept, and called.

numpy's functions are the reference, and what runs where there is no compiler. The environment
variable SAT_KERNEL chooses: "numpy" never compiles, "compiled" must, unset takes what there is.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from . import native
from .compress import padded_rows
from .formats import FP32, Kind, Number
from .windows import Windows

SOURCE = Path(__file__).with_suffix(".cpp")
CHOICES = ("", "numpy", "compiled")
# Code for this very processor, which is part of the key: a cache may be shared by several. The
# user's CXXFLAGS are not taken: one of them may let the compiler reorder sums.
PROCESSOR = "-march=native"
FLAGS = ("-std=c++17", "-O3", "-ffp-contract=off", "-fno-trapping-math", "-fno-math-errno",
         "-shared", "-fPIC")
STATS_ROWS = 1 << 12  # as many rows does sat_stats sum exactly

SIZE, INT, POINTER = ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p
SIGNATURES = {
    "sat_product": (POINTER, SIZE, SIZE, POINTER, SIZE, SIZE, INT, POINTER, POINTER, INT, INT,
                    SIZE, SIZE, SIZE, POINTER),
    "sat_epilogue": (POINTER, SIZE, SIZE, POINTER, POINTER, INT, POINTER, INT, POINTER),
    "sat_affine": (POINTER, POINTER, SIZE, SIZE, POINTER, POINTER, POINTER, INT, POINTER),
    "sat_stats": (POINTER, POINTER, SIZE, SIZE, POINTER, POINTER, POINTER),
}


def library() -> ctypes.CDLL | None:
    """The compiled kernel, or None: numpy's functions are to be used."""
    return found() if chosen is None else chosen[0]


# What `using` asks for instead of what there is.
chosen: tuple[ctypes.CDLL | None] | None = None


@contextmanager
def using(kernel: ctypes.CDLL | None) -> Iterator[None]:
    """Inside, in all threads, this kernel is used, or with None numpy's functions."""
    global chosen
    before, chosen = chosen, (kernel,)
    try:
        yield
    finally:
        chosen = before


@functools.cache
def found() -> ctypes.CDLL | None:
    """What SAT_KERNEL asks for. ValueError or native.BuildError if it is no choice or not to be
    had; without a choice, a notice that numpy's functions are used."""
    choice = os.environ.get("SAT_KERNEL", "")
    if choice not in CHOICES:
        raise ValueError(f"SAT_KERNEL: {choice!r} is not one of {', '.join(CHOICES[1:])}")
    if choice == "numpy":
        return None
    try:
        return load()
    except native.BuildError as error:
        if choice == "compiled":
            raise
        logging.getLogger("sat_golden").warning(
            "golden model: numpy's functions are used, which are slower (%s)", error)
        return None


def load(processor: str = PROCESSOR) -> ctypes.CDLL:
    """The kernel for a processor, built if the cache has none. May raise native.BuildError."""
    kernel = native.load("golden-kernel", SOURCE, [*FLAGS, processor])
    for name, arguments in SIGNATURES.items():
        getattr(kernel, name).argtypes = arguments
    return kernel


# The calls. Operands are those of the numpy functions of the same names, checked.


def product(kernel: ctypes.CDLL, a: np.ndarray, values: np.ndarray, indices: np.ndarray | None,
            n: int, m: int, a_trans: bool, windows: Windows | None = None) -> np.ndarray:
    """FP32 patterns of the sums, uint32 [I][J], in which a NaN need not be canonical.

    `a` is [I][K], with `a_trans` [K][I], or the map that `windows` see in place of that matrix,
    which is [G][P*C']; C' is C, without `a_trans` padded to whole groups of N:M."""
    if a.strides[1] != a.itemsize or a.strides[0] % a.itemsize or a.strides[0] < 0:
        a = np.ascontiguousarray(a)
    values = np.ascontiguousarray(values)
    indices = None if indices is None else np.ascontiguousarray(indices)
    width = channels = a.shape[1]
    shape: tuple[int, ...] = a.shape
    pixels = None
    if windows is not None:
        channels = width if a_trans else padded_rows(width, n, m)
        pixels = np.stack([windows.pixels_at(p) for p in range(windows.positions)])
        shape = windows.count, windows.positions * channels
    rows, depth = reversed(shape) if a_trans else shape
    sums = np.zeros((rows, values.shape[1]), np.float32)
    kernel.sat_product(address(a), a.strides[0] // a.itemsize, width, address(pixels), shape[0],
                       channels, a_trans, address(values), address(indices), n, m, rows, depth,
                       values.shape[1], address(sums))
    return sums.view(np.uint32)


def epilogue(kernel: ctypes.CDLL, sums: np.ndarray, bias: np.ndarray | None,
             residual: np.ndarray | None, relu: bool, mask: np.ndarray | None,
             out_fp32: bool) -> np.ndarray:
    """`sums` as `product` gives them."""
    operands = [None if operand is None else np.ascontiguousarray(operand)
                for operand in (sums, bias, residual, mask)]
    out = np.empty(sums.shape, np.uint32 if out_fp32 else np.uint16)
    first, bias_at, residual_at, mask_at = map(address, operands)
    kernel.sat_epilogue(first, *sums.shape, bias_at, residual_at, relu, mask_at, out_fp32,
                        address(out))
    return out


def affine(kernel: ctypes.CDLL, x: np.ndarray, alpha: np.ndarray, gamma: np.ndarray,
           y: np.ndarray | None, beta: np.ndarray | None, relu: bool) -> np.ndarray:
    x, alpha, gamma = map(np.ascontiguousarray, (x, alpha, gamma))
    y, beta = (None if operand is None else np.ascontiguousarray(operand) for operand in (y, beta))
    out = np.empty(x.shape, np.uint16)
    kernel.sat_affine(address(x), address(y), *x.shape, address(alpha), address(beta),
                      address(gamma), relu, address(out))
    return out


def stats(kernel: ctypes.CDLL, x: np.ndarray,
          y: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """None where a term is not finite: numpy's function knows what that makes."""
    x, y = map(np.ascontiguousarray, (x, y))
    rows, cols = x.shape
    total = np.zeros((3, cols), object)
    part = np.empty(total.shape, np.int64)
    for start in range(0, rows, STATS_ROWS):
        count = min(STATS_ROWS, rows - start)
        if not kernel.sat_stats(address(x[start:]), address(y[start:]), count, cols,
                                *map(address, part)):
            return None
        total += part
    sums, high, low = total.tolist()
    dots = [(upper << 40) + lower for upper, lower in zip(high, low)]
    return rounded(sums, -24), rounded(dots, -48)


def rounded(values: list[int], exp: int) -> np.ndarray:
    """Integers [C] of 2**exp -> FP32 patterns [1][C]."""
    return np.array([[FP32.round_pack(Number(Kind.FINITE, int(value < 0), abs(value), exp))
                      for value in values]], np.uint32)


def address(array: np.ndarray | None) -> int | None:
    """Of its first element, as C takes a pointer; None is null."""
    return None if array is None else array.ctypes.data
