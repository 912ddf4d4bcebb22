# SPDX-License-Identifier: Apache-2.0
"""Offline scheduling: which interleave mapping fits a MATMUL, and which commands may overlap.

A PE works on T outputs in turn. `map` = log2(T2) spreads them over T2 rows and T/T2 columns, so a
tile is `ROWS*T2` by `COLS*T/T2` outputs. The mapping never changes a result, only the cycles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .config import SatConfig
from .memory import Tensor

ARRAY, VECTOR = "array", "vector"  # the two engines
BEAT_BYTES = 16
LANES = 8  # FP16 values of a beat; a tile is at least as wide
GROUP_ELEMENTS = 16  # dense values that a PE holds: T2 * M at most
TILE_GAP = 16  # cycles between two tiles
STARTUP = 250  # latencies of memory and pipelines, once per command
UPDATE_TILE = 16  # the vector engine works on tiles of 16 x 16 weights
UPDATE_TILE_CYCLES = 260  # about, beside a MATMUL; the memory sets it
DENSE_COPY_CYCLES = 75  # more per tile and copy if that is dense


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
    column of tiles and S once per row of tiles. Nothing hides the loading of the first tile: S
    whole, A up to a chunk.
    """
    dense = n == m
    t2, t1 = 1 << map, config.t >> map
    row_tiles, col_tiles = -(-i // (config.rows * t2)), -(-j // (config.cols * t1))
    groups, kept = (k, 1) if dense else (-(-k // m), n)
    # A group of A values takes M*T2 cycles to write into a PE, and is used for N*T. With no slack
    # between the two, a tile starts later.
    write_cycles = (1 if dense else m) * t2
    group_cycles = max(kept * config.t, write_cycles)
    gap = TILE_GAP * (1.5 if group_cycles == write_cycles else 1)
    compute = row_tiles * col_tiles * (groups * group_cycles + gap)
    a_resident = row_tiles * t2 * -(-k // LANES) <= config.a_depth
    s_resident = groups * kept * t1 <= config.s_depth
    a_bytes = i * k * 2 * (1 if a_resident else col_tiles)
    s_row_bytes = groups * kept * (2 if dense else 2.5)
    s_bytes = s_row_bytes * j * (1 if s_resident else row_tiles)
    first_tile = (min(i, config.rows * t2) * min(k, config.chunk_k) * 2
                  + s_row_bytes * min(j, config.cols * t1))
    return int(max(compute, (a_bytes + s_bytes) / BEAT_BYTES) + first_tile / BEAT_BYTES) + STARTUP


def estimate_update_cycles(rows: int, cols: int, dense_copies: int) -> int:
    """Cycles that an UPDATE takes, about."""
    tiles = -(-rows // UPDATE_TILE) * -(-cols // UPDATE_TILE)
    return tiles * (UPDATE_TILE_CYCLES + dense_copies * DENSE_COPY_CYCLES) + STARTUP


def choose_map(config: SatConfig, i: int, j: int, k: int, n: int, m: int) -> int:
    """The mapping with the fewest estimated cycles."""
    return min(legal_maps(config, n, m),
               key=lambda map: estimate_cycles(config, i, j, k, n, m, map))


@dataclass(frozen=True)
class Job:
    """Work that both engines share: the array makes a gradient, then the vector engine uses it."""

    array_cycles: float
    vector_cycles: float
    work: Any = None


def order_jobs(jobs: Sequence[Job]) -> list[Job]:
    """The order in which all are done soonest (Johnson's rule for two machines in a row)."""
    head = [job for job in jobs if job.array_cycles < job.vector_cycles]
    tail = [job for job in jobs if job.array_cycles >= job.vector_cycles]
    return (sorted(head, key=lambda job: job.array_cycles)
            + sorted(tail, key=lambda job: -job.vector_cycles))


def interleave(jobs: Sequence[Job]) -> tuple[list[tuple[str, Job]], float]:
    """The order in which to issue the jobs' commands, and the cycles until the last one is done.

    Commands are issued in order, so one that waits for its engine holds up all behind it: the
    command that can start first goes first.
    """
    issued: list[tuple[str, Job]] = []
    array_done: list[float] = []
    vector_free = 0.0
    updated = 0
    while updated < len(jobs):
        array_start = array_done[-1] if array_done else 0.0
        ready = updated < len(array_done)
        vector_start = max(vector_free, array_done[updated]) if ready else float("inf")
        if len(array_done) < len(jobs) and array_start <= vector_start:
            job = jobs[len(array_done)]
            array_done.append(array_start + job.array_cycles)
            issued.append((ARRAY, job))
        else:
            vector_free = vector_start + jobs[updated].vector_cycles
            issued.append((VECTOR, jobs[updated]))
            updated += 1
    return issued, vector_free


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
