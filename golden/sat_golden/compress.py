# SPDX-License-Identifier: Apache-2.0
"""N:M selection and the compressed memory formats (docs/reference/commands.md, "Formats").

A compressed matrix is a pair of planes of shape [Q][C]: FP16 values and the position (0..M-1) of
each inside its group. Row ``q = g*N + p`` holds the p-th kept element of group g. In this package
index planes are uint8 arrays, one index per element; `pack_indices` makes the memory format.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arguments import check_matrix, check_shape, integer
from .defs import SIZE_MAX
from .vector import as_bits

LEGAL_M = (2, 4, 8, 16)


@dataclass(frozen=True)
class Planes:
    """A matrix ready to be operand S: `values` [Q][C] uint16 and `indices` [Q][C] uint8, which is
    None when N = M (then `values` is the dense matrix)."""

    values: np.ndarray
    indices: np.ndarray | None


def check_nm(n: int, m: int) -> None:
    """ValueError or TypeError unless N:M is legal."""
    integer("m", m, LEGAL_M[0], LEGAL_M[-1])
    if m not in LEGAL_M:
        raise ValueError(f"m: {m} is not one of {LEGAL_M}")
    integer("n", n, 1, m)


def compressed_rows(rows: int, n: int, m: int) -> int:
    """Q, the rows of the planes of a matrix with `rows` rows."""
    return rows if n == m else -(-rows // m) * n


def padded_rows(rows: int, n: int, m: int) -> int:
    """`rows` rounded up to whole groups."""
    return rows if n == m else -(-rows // m) * m


def nm_select(group: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n largest magnitudes along the last axis, in ascending order.

    `group` [..., M] holds FP16 patterns (uint16); returns [..., n] uint8. Bits 14:0 are compared as
    integers; of equals the lower position wins. RTL: sat_nm_select.
    """
    m = group.shape[-1]
    check_nm(n, m)
    # Magnitude above, complement of the position below: no two keys are equal.
    position = np.arange(m, dtype=np.uint32)
    keys = (as_bits("group", group, np.uint16) & np.uint16(0x7FFF)).astype(np.uint32) << 4
    keys |= 15 - position
    largest = np.partition(keys, m - n, axis=-1)[..., m - n :]
    return np.sort(15 - (largest & 15), axis=-1).astype(np.uint8)


def in_groups(matrix: np.ndarray, m: int) -> np.ndarray:
    """[K][C] uint16 -> [G][C][M]: the groups along its rows, the last one filled with +0."""
    rows, cols = matrix.shape
    padded = np.zeros((-(-rows // m) * m, cols), np.uint16)
    padded[:rows] = matrix
    return np.ascontiguousarray(padded.reshape(-1, m, cols).transpose(0, 2, 1))


def compress_ff(weights: np.ndarray, n: int, m: int) -> Planes:
    """Prune W [K][J] (uint16) along its rows: planes [Q][J] for the forward pass."""
    check_nm(n, m)
    weights = as_bits("weights", weights, np.uint16)
    if n == m:
        return Planes(weights.copy(), None)
    cols = weights.shape[1]
    groups = in_groups(weights, m)
    kept = nm_select(groups, n)
    values = np.take_along_axis(groups, kept.astype(np.intp), axis=-1)

    def plane(kept_per_group: np.ndarray) -> np.ndarray:  # [G][C][N] -> [G*N][C]
        return np.ascontiguousarray(kept_per_group.transpose(0, 2, 1)).reshape(-1, cols)

    return Planes(plane(values), plane(kept))


def compress_bp(weights: np.ndarray, n: int, m: int) -> Planes:
    """Prune W [K][J] (uint16) along its columns: planes [Q'][K] of the transposed matrix, for the
    backward pass."""
    return compress_ff(np.ascontiguousarray(as_bits("weights", weights, np.uint16).T), n, m)


def group_rows(indices: np.ndarray, n: int, m: int) -> np.ndarray:
    """The row of the dense (padded) matrix that each element of an index plane stands for."""
    group = np.arange(indices.shape[0]) // n * m
    return group[:, None] + (indices & (m - 1))


def decompress(planes: Planes, rows: int, n: int, m: int) -> np.ndarray:
    """The pruned matrix [rows][C] (uint16) with +0 where nothing was kept."""
    check_nm(n, m)
    cols = check_matrix("planes", planes.values).shape[1]
    shape = compressed_rows(integer("rows", rows, 1, SIZE_MAX), n, m), cols
    check_shape("planes", planes.values, shape)
    if n == m:
        return planes.values.copy()
    if planes.indices is None:
        raise ValueError("planes: no indices, but a compressed matrix (n < m)")
    check_shape("planes", planes.indices, shape)
    dense = np.zeros((-(-rows // m) * m, cols), np.uint16)
    dense[group_rows(planes.indices, n, m), np.arange(cols)] = planes.values
    return dense[:rows]


def pack_indices(indices: np.ndarray) -> np.ndarray:
    """[Q][C] uint8 (4 bits used) -> [Q][ceil(C/2)] bytes: even columns low, odd columns high."""
    indices = as_bits("indices", indices, np.uint8) & 15
    rows, cols = indices.shape
    even = np.zeros((rows, cols + cols % 2), np.uint8)
    even[:, :cols] = indices
    return even[:, 0::2] | even[:, 1::2] << 4


def unpack_indices(packed: np.ndarray, cols: int) -> np.ndarray:
    """[Q][ceil(cols/2)] bytes -> [Q][cols] uint8, all four bits of each."""
    packed = as_bits("packed", packed, np.uint8)
    check_shape("packed", packed, (len(packed), -(-cols // 2)))
    nibbles = np.stack((packed & 15, packed >> 4), axis=-1).reshape(packed.shape[0], -1)
    return nibbles[:, :cols]
