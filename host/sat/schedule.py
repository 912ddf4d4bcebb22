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
LINE_BYTES = 64  # of the map cache
LOOKUP_CYCLES = 2  # per line, at least
LANES = 8  # FP16 values of a beat; a tile is at least as wide
GROUP_ELEMENTS = 16  # dense values that a PE holds: T2 * M at most
TILE_GAP = 16  # cycles between two tiles
STARTUP = 250  # latencies of memory and pipelines, once per command
UPDATE_TILE = 16  # the vector engine works on tiles of 16 x 16 weights
UPDATE_TILE_CYCLES = 260  # about, beside a MATMUL; the memory sets it
UPDATE_STARTUP = 450
VECTOR_LANES = 4  # elements that it takes at a time
DENSE_COPY_CYCLES = 75  # more per tile and copy if that is dense


def kept_depth(depth: int, n: int, m: int) -> int:
    """Multiplies per output that N:M leaves of a reduction over `depth` elements."""
    return depth // m * n + min(depth % m, n)


@dataclass(frozen=True)
class Product:
    """A MATMUL as the array sees it: [rows][depth] x [depth][cols], N:M along the depth.

    A convolution cuts its rows or its depth into segments, one per kernel position: tiles do not
    straddle segments of rows, and each segment of the depth is padded to whole groups. `rows` and
    `depth` are those of a segment. `lines` are the 64-byte lines of a feature map, which go through
    the map cache, 0 without a convolution; `transposed` as of a convolution, by A.
    """

    rows: int
    cols: int
    depth: int
    n: int
    m: int
    row_segments: int = 1
    depth_segments: int = 1
    lines: int = 0
    transposed: bool = False


def legal_maps(config: SatConfig, n: int, m: int) -> list[int]:
    """Mappings that the hardware uses as they are (it clamps any other)."""
    group = 1 if n == m else m
    t2_max = min(GROUP_ELEMENTS // group, config.t, config.t * config.cols // LANES)
    return list(range(t2_max.bit_length()))


def estimate_cycles(config: SatConfig, product: Product, map: int) -> int:
    """Cycles that a MATMUL takes with a mapping, about: the slowest of computing, reading from
    memory, and filling the A scratchpad through the map cache.

    Tiles run column by column. An operand that fits its scratchpad is read once, else A once per
    column of tiles and S once per row of tiles. Nothing hides the loading of the first tile: S
    whole, A up to a chunk. Windows fetch A piece by piece; what they share comes from the map cache
    if the map fits it.
    """
    n, m = product.n, product.m
    dense = n == m
    t2, t1 = 1 << map, config.t >> map
    tile_rows, tile_cols = config.rows * t2, config.cols * t1
    row_tiles = product.row_segments * -(-product.rows // tile_rows)
    col_tiles = -(-product.cols // tile_cols)
    groups, kept = (product.depth, 1) if dense else (-(-product.depth // m), n)
    groups *= product.depth_segments
    # A group of A values takes M*T2 cycles to write into a PE, and is used for N*T. With no slack
    # between the two, a tile starts later.
    write_cycles = (1 if dense else m) * t2
    group_cycles = max(kept * config.t, write_cycles)
    gap = TILE_GAP * (1.5 if group_cycles == write_cycles else 1)
    compute = row_tiles * col_tiles * (groups * group_cycles + gap)
    words = row_tiles * t2 * product.depth_segments * -(-product.depth // LANES)
    passes = 1 if words <= config.a_depth else col_tiles
    s_resident = groups * kept * t1 <= config.s_depth
    elements = product.rows * product.row_segments * product.depth * product.depth_segments
    s_row_bytes = groups * kept * (2 if dense else 2.5)
    s_bytes = s_row_bytes * product.cols * (1 if s_resident else row_tiles)
    if product.lines:
        # A piece: the channels of a pixel, of which WU takes those of a tile's rows.
        transposed = product.transposed
        piece, windows = product.depth, product.rows
        if transposed:
            piece, windows = min(product.rows, tile_rows), product.depth
        piece_lines = -(-piece * 2 // LINE_BYTES)
        pieces = windows * (row_tiles if transposed else product.depth_segments)
        fetching = pieces * passes * max(-(-piece // LANES), LOOKUP_CYCLES * piece_lines)
        lines = min(product.lines, pieces * piece_lines)
        if lines > config.cache_lines:  # read again for each pass, in WU for each position
            again = product.row_segments * min(lines, windows) if transposed else lines
            lines = passes * again
        a_bytes = lines * LINE_BYTES
    else:
        fetching, a_bytes = 0, elements * 2 * passes
    first_tile = (min(product.rows, tile_rows) * min(product.depth, config.chunk_k) * 2
                  + s_row_bytes * min(product.cols, tile_cols))
    reading = (a_bytes + s_bytes) / BEAT_BYTES
    return int(max(compute, reading, fetching) + first_tile / BEAT_BYTES) + STARTUP


def estimate_update_cycles(rows: int, cols: int, dense_copies: int) -> int:
    """Cycles that an UPDATE takes, about."""
    tiles = -(-rows // UPDATE_TILE) * -(-cols // UPDATE_TILE)
    return tiles * (UPDATE_TILE_CYCLES + dense_copies * DENSE_COPY_CYCLES) + UPDATE_STARTUP


def estimate_map_cycles(rows: int, cols: int, operations: int) -> int:
    """Cycles that an AFFINE or STATS takes, about: operations per element, on all lanes."""
    return operations * rows * -(-cols // VECTOR_LANES) + STARTUP


def choose_map(config: SatConfig, product: Product) -> int:
    """The mapping with the fewest estimated cycles."""
    return min(legal_maps(config, product.n, product.m),
               key=lambda map: estimate_cycles(config, product, map))


@dataclass(frozen=True)
class Job:
    """Work that both engines share: the array makes a gradient, then the vector engine uses it,
    in one command or several."""

    array_cycles: float
    vector_cycles: float
    work: Any = None
    vector_commands: int = 1


def order_jobs(jobs: Sequence[Job]) -> list[Job]:
    """The order in which all are done soonest (Johnson's rule for two machines in a row)."""
    head = [job for job in jobs if job.array_cycles < job.vector_cycles]
    tail = [job for job in jobs if job.array_cycles >= job.vector_cycles]
    return (sorted(head, key=lambda job: job.array_cycles)
            + sorted(tail, key=lambda job: -job.vector_cycles))


def interleave(jobs: Sequence[Job]) -> tuple[list[tuple[str, Job, int]], float]:
    """The order in which to issue the jobs' commands, as (engine, job, number of the command within
    the job), and the cycles until the last one is done.

    Commands are issued in order, so one that waits for its engine holds up all behind it: the
    command that can start first goes first.
    """
    issued: list[tuple[str, Job, int]] = []
    array_done: list[float] = []
    updates = [(index, part) for index, job in enumerate(jobs)
               for part in range(job.vector_commands)]
    vector_free = 0.0
    while updates:
        array_start = array_done[-1] if array_done else 0.0
        index, part = updates[0]
        ready = index < len(array_done)
        vector_start = max(vector_free, array_done[index]) if ready else float("inf")
        if len(array_done) < len(jobs) and array_start <= vector_start:
            job = jobs[len(array_done)]
            array_done.append(array_start + job.array_cycles)
            issued.append((ARRAY, job, 0))
        else:
            job = jobs[index]
            vector_free = vector_start + job.vector_cycles / job.vector_commands
            issued.append((VECTOR, job, part))
            del updates[0]
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
