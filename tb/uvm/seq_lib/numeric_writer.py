# SPDX-License-Identifier: Apache-2.0
"""Programs whose operands are of a chosen numeric class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sat_golden.descriptor import Slot
from sat_golden.formats import FP16, FP32
from sat_golden.operands import HALF, NIBBLE, SINGLE
from sat_golden.stimulus import FP16_SPECIALS, FP32_SPECIALS
from tb.top.random_program import NUMBERS, ProgramWriter, draw_numbers

BLOCK = 16  # rows: the largest M
INFINITY = {HALF: FP16.inf, SINGLE: FP32.inf}


@dataclass
class NumericWriter(ProgramWriter):
    """`numeric` is one of NUMERIC and takes the place of the kinds that commands ask for; None
    leaves them."""

    numeric: str | None = None

    def place(self, rows: int, cols: int, bits: int, kind: str | None = None) -> Slot:
        if kind is None or bits == NIBBLE or self.numeric is None:
            return super().place(rows, cols, bits, kind)
        if self.numeric in NUMBERS:
            return super().place(rows, cols, bits, self.numeric)
        slot = super().place(rows, cols, bits)
        matrix = MATRICES[self.numeric](self.rng, rows, cols, bits)
        for row, data in enumerate(matrix):
            at = slot.address + row * slot.stride - self.base
            self.image[at : at + data.nbytes] = np.ascontiguousarray(data).view(np.uint8)
        return slot


def ordinary(rng: np.random.Generator, rows: int, cols: int, bits: int) -> np.ndarray:
    return draw_numbers(rng, "ordinary", rows * cols, bits).reshape(rows, cols)


def subnormal(rng: np.random.Generator, rows: int, cols: int, bits: int) -> np.ndarray:
    """Subnormals and zeros of both signs, and the least normal numbers."""
    fraction, dtype = (23, np.uint32) if bits == SINGLE else (10, np.uint16)
    magnitude = rng.integers(0, 1 << fraction + 1, (rows, cols)) >> rng.integers(0, fraction)
    sign = rng.integers(0, 2, (rows, cols)) << bits - 1
    return (magnitude | sign).astype(dtype)


def cancelling(rng: np.random.Generator, rows: int, cols: int, bits: int) -> np.ndarray:
    """Each second row is the one before with the other sign, or nearly so. In the first row and
    column only signs differ. No number is zero or subnormal."""
    matrix = ordinary(rng, rows, cols, bits)
    infinity = INFINITY[bits]
    matrix[matrix & infinity == 0] |= infinity & -infinity
    pairs = rows // 2
    flipped = matrix[0 : 2 * pairs : 2] ^ matrix.dtype.type(1 << bits - 1)
    near = (rng.random(flipped.shape) < 0.2).astype(matrix.dtype)
    matrix[1 : 2 * pairs : 2] = flipped ^ near
    sign = matrix.dtype.type(1 << bits - 1)
    matrix[0] = matrix[0, 0] ^ sign * rng.integers(0, 2, cols, dtype=matrix.dtype)
    matrix[:, 0] = matrix[0, 0] ^ sign * rng.integers(0, 2, rows, dtype=matrix.dtype)
    matrix[1:2, 0] = matrix[0, 0] ^ sign
    return matrix


def zeros(rng: np.random.Generator, rows: int, cols: int, bits: int) -> np.ndarray:
    """Blocks of zeros as large as the largest group, some negative, among ordinary numbers."""
    matrix = ordinary(rng, rows, cols, bits)
    negative = matrix.dtype.type(1 << bits - 1)
    for first in range(0, rows, BLOCK):
        if rng.random() < 0.6:
            matrix[first : first + BLOCK] = 0
    lone = rng.random(matrix.shape) < 0.3
    matrix[lone] = 0
    matrix[lone & (rng.random(matrix.shape) < 0.5)] = negative
    return matrix


def everything(rng: np.random.Generator, rows: int, cols: int, bits: int) -> np.ndarray:
    """A column of zeros of both signs, and mostly a row; elsewhere special values among cancelling
    ones."""
    matrix = cancelling(rng, rows, cols, bits)
    specials = FP32_SPECIALS if bits == SINGLE else FP16_SPECIALS
    few = rng.random(matrix.shape) < 0.15
    matrix[few] = rng.choice(specials, int(few.sum()))
    matrix[0, -1] = rng.choice(specials[specials & INFINITY[bits] == INFINITY[bits]])
    matrix[-1, -1] = 1  # the least subnormal
    if cols > 1:
        matrix[:, 0] = rng.integers(0, 2, rows).astype(matrix.dtype) << bits - 1
        matrix[0, 0] = 1 << bits - 1
    if rows > 2:
        matrix[1] = rng.integers(0, 2, cols).astype(matrix.dtype) << bits - 1
        matrix[1, 0] = 1 << bits - 1
    return matrix


def groups(rng: np.random.Generator, rows: int, cols: int, bits: int) -> np.ndarray:
    """Each column of a kind, as many kinds as there are columns: of every class of groups
    (cov/operands.py), and large numbers, whose sums, or which themselves as FP16, overflow."""
    shape = rows, cols
    near = rng.uniform(1, 1.99, shape)
    some = rng.random(shape) < 0.4
    some[0] = True
    apart = rng.permuted(np.tile(np.arange(-8, 8)[:, None], cols), axis=0)
    kinds = np.stack([
        np.zeros(shape),
        rng.integers(1, 1 << FP16.man_bits, shape) * 2.0**-24,  # subnormals of FP16
        np.broadcast_to(near[0], shape),
        near * 4.0**apart[np.arange(rows) % len(apart)],
        near,
        np.where(some, np.inf, near),
        np.where(some, np.nan, near),
        near * 2.0**15,
        near * 2.0**17])
    columns = np.arange(cols)
    drawn = rng.permutation(max(cols, len(kinds)))[:cols] % len(kinds)
    floats = kinds[drawn, :, columns].T * rng.choice([-1.0, 1.0], shape)
    with np.errstate(over="ignore"):
        number = floats.astype(np.float32 if bits == SINGLE else np.float16)
    return np.ascontiguousarray(number).view(np.uint32 if bits == SINGLE else np.uint16)


MATRICES = {"subnormal": subnormal, "cancelling": cancelling, "zeros": zeros,
            "everything": everything, "groups": groups}
NUMERIC = (*NUMBERS, *MATRICES)
