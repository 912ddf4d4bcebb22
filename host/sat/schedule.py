# SPDX-License-Identifier: Apache-2.0
"""Offline scheduling: which interleave mapping fits a MATMUL, and which commands may overlap.

A PE works on T outputs in turn. `map` = log2(T2) spreads them over T2 rows and T/T2 columns, so a
tile is `ROWS*T2` by `COLS*T/T2` outputs. The mapping never changes a result, only the cycles.
"""

from __future__ import annotations

from .config import SatConfig
from .memory import Tensor

BEAT_BYTES = 16
LANES = 8  # FP16 values of a beat; a tile is at least as wide
GROUP_ELEMENTS = 16  # dense values that a PE holds: T2 * M at most
STARTUP = 150  # cycles before the first and after the last tile, about


def kept_depth(depth: int, n: int, m: int) -> int:
    """Multiplies per output that N:M leaves of a reduction over `depth` elements."""
    return depth // m * n + min(depth % m, n)


def legal_maps(config: SatConfig, n: int, m: int) -> list[int]:
    """Mappings that the hardware uses as they are (it clamps any other)."""
    group = 1 if n == m else m
    t2_max = min(GROUP_ELEMENTS // group, config.t, config.t * config.cols // LANES)
    return list(range(t2_max.bit_length()))


def estimate_cycles(config: SatConfig, i: int, j: int, k: int, n: int, m: int, map: int) -> int:
    """Cycles that a MATMUL takes with a mapping, about: the slowest of computing, reading, writing.

    Tiles run column by column. An operand that fits its scratchpad is read once, else A once per
    column of tiles and S once per row of tiles.
    """
    dense = n == m
    t2, t1 = 1 << map, config.t >> map
    row_tiles, col_tiles = -(-i // (config.rows * t2)), -(-j // (config.cols * t1))
    groups, kept = (k, 1) if dense else (-(-k // m), n)
    # A group of A values takes M*T2 cycles to write into a PE, and is used for N*T.
    slots = groups * max(kept, (1 if dense else m) * t2 // config.t)
    compute = row_tiles * col_tiles * slots * config.t
    a_resident = row_tiles * t2 * -(-k // LANES) <= config.a_depth
    s_resident = groups * kept * t1 <= config.s_depth
    a_bytes = i * k * 2 * (1 if a_resident else col_tiles)
    s_bytes = groups * kept * j * (2 if dense else 2.5) * (1 if s_resident else row_tiles)
    first_tile = (config.rows * t2 * min(k, config.chunk_k) * 2
                  + config.cols * t1 * LANES * 2) // BEAT_BYTES
    return int(max(compute, (a_bytes + s_bytes) / BEAT_BYTES)) + first_tile + STARTUP


def choose_map(config: SatConfig, i: int, j: int, k: int, n: int, m: int) -> int:
    """The mapping with the fewest estimated cycles."""
    return min(legal_maps(config, n, m),
               key=lambda map: estimate_cycles(config, i, j, k, n, m, map))


def overlaps(first: Tensor, second: Tensor) -> bool:
    """True if two tensors may share a byte.

    Column windows of the same matrix interleave without touching; everything else is judged by its
    address range.
    """
    (start_a, end_a), (start_b, end_b) = first.extent, second.extent
    if end_a <= start_b or end_b <= start_a:
        return False
    if first.stride == second.stride and first.stride:
        offset = (start_b - start_a) % first.stride
        apart = offset >= first.row_bytes and offset + second.row_bytes <= first.stride
        return not apart
    return True
