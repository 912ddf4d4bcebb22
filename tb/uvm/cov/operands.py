# SPDX-License-Identifier: Apache-2.0
"""Kinds of numbers in operands, as they are found in memory."""

from __future__ import annotations

import numpy as np

from sat_golden.formats import FP16, FP32

# A matrix can be of several of these.
NUMERIC_CLASSES = ("ordinary", "tiny", "huge", "subnormal", "special", "cancelling", "tied",
                   "zero_group", "negative_zero")

# Of the magnitudes of a group, or of a part of one: one of these each.
GROUP_CLASSES = ("nan", "infinity", "zero", "subnormal", "equal", "outweighed", "ordinary")

# Of a single FP16 number.
FP_CLASSES = ("zero", "subnormal", "normal", "infinity", "nan")

TINY, HUGE = 2.0**-6, 2.0**11


def split(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Magnitude bits, sign, and infinity's magnitude, of FP16 (uint16) or FP32 patterns."""
    inf = FP16.inf if bits.dtype == np.uint16 else FP32.inf
    sign_bit = 1 << (8 * bits.dtype.itemsize - 1)
    return bits & ~bits.dtype.type(sign_bit), (bits & sign_bit) != 0, bits.dtype.type(inf)


def numeric_classes(bits: np.ndarray, group: int = 4) -> set[str]:
    """Classes of a matrix [rows][cols]; neighbours and groups (of `group`) are along the rows."""
    magnitude, sign, inf = split(bits)
    smallest_normal = inf & -inf.astype(np.int64)  # lowest exponent bit
    found = set()
    special = magnitude >= inf
    subnormal = (magnitude > 0) & (magnitude < smallest_normal)
    if special.any():
        found.add("special")
    if subnormal.any():
        found.add("subnormal")
    if (sign & (magnitude == 0)).any():
        found.add("negative_zero")
    floats = bits.view(np.float16 if bits.dtype == np.uint16 else np.float32)
    finite = np.abs(floats[~special].astype(np.float64))
    largest = finite.max() if finite.size else 0.0
    if 0 < largest < TINY:
        found.add("tiny")
    elif largest >= HUGE:
        found.add("huge")
    if not special.any() and not subnormal.any() and TINY <= largest < HUGE:
        found.add("ordinary")
    equal = (magnitude[1:] == magnitude[:-1]) & (magnitude[1:] > 0) & ~special[1:]
    if equal.any():
        found.add("tied")
    if (equal & (sign[1:] != sign[:-1])).any():
        found.add("cancelling")
    if (groups_of(magnitude, group) == 0).all(axis=1).any():
        found.add("zero_group")
    return found


def groups_of(matrix: np.ndarray, group: int) -> np.ndarray:
    """[groups][group][cols]: consecutive rows; the last rows are filled up with zeros."""
    rows, cols = matrix.shape
    padded = np.zeros((-(-rows // group) * group, cols), matrix.dtype)
    padded[:rows] = matrix
    return padded.reshape(-1, group, cols)


def group_classes(halves: np.ndarray, group: int) -> set[str]:
    """Of the groups of `group` consecutive rows of an FP16 matrix."""
    magnitude, _, inf = split(groups_of(halves, group))
    numbers = magnitude.view(np.float16).astype(np.float64)
    kinds = np.select([
        (magnitude > inf).any(axis=1), (magnitude == inf).any(axis=1),
        (magnitude == 0).all(axis=1), (magnitude < 1 << FP16.man_bits).all(axis=1),
        (magnitude == magnitude[:, :1]).all(axis=1),
        2 * numbers.max(axis=1) > numbers.sum(axis=1)], range(len(GROUP_CLASSES) - 1),
        len(GROUP_CLASSES) - 1)
    return {GROUP_CLASSES[kind] for kind in np.unique(kinds)}


def fp_classes(bits: np.ndarray) -> np.ndarray:
    """The index in FP_CLASSES of each FP16 pattern."""
    magnitude, _, inf = split(bits)
    return np.select([magnitude == 0, magnitude < 0x0400, magnitude < inf, magnitude == inf],
                     [0, 1, 2, 3], 4)
