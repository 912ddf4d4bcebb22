# SPDX-License-Identifier: Apache-2.0
"""Flat vectors of equal fields, field 0 in the low bits, to and from numpy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def pack(fields: Iterable[int], width: int) -> int:
    """The vector made of `fields` of `width` bits each."""
    vector = 0
    for place, field in enumerate(fields):
        vector |= int(field) << place * width
    return vector


def unpack(vector: int, width: int, count: int) -> list[int]:
    """The fields of `width` bits of a vector."""
    mask = (1 << width) - 1
    return [vector >> place * width & mask for place in range(count)]


def pack_array(fields: np.ndarray) -> int:
    """`pack` of an unsigned array, each field as wide as the array's elements."""
    little = fields.astype(fields.dtype.newbyteorder("<"))
    return int.from_bytes(little.tobytes(), "little")


def unpack_array(vector: int, dtype, count: int) -> np.ndarray:
    """`unpack` into an array of `dtype`."""
    little = np.dtype(dtype).newbyteorder("<")
    return np.frombuffer(vector.to_bytes(count * little.itemsize, "little"), little).astype(dtype)
