# SPDX-License-Identifier: Apache-2.0
"""About how many cycles commands take, and the row interleave that is estimated to be fastest.

That never changes a result, only the cycles.
"""

from __future__ import annotations

from dataclasses import replace

from sat_golden.windows import Windows

from .tiling import LINE_BYTES, Array, Tiling, ceil_div, legal_row_interleaves

TILE_GAP = 16  # cycles between two tiles
CHUNKS_AHEAD = 2  # of A, loaded before S
STARTUP = 250  # latencies of memory and pipelines, once per command
UPDATE_TILE = 16  # the vector engine works on tiles of 16 x 16 weights
UPDATE_BYTES = 3072  # read for a tile: weights, velocities and gradients; memory sets the pace
PRUNE_BYTES = 2048  # in whose time a tile is pruned
PRUNE_QUARTER_BYTES = 1024  # the same for one copy that keeps a quarter or less
PRUNE_QUARTER_GAP = 7  # cycles between such tiles
DENSE_COPY_BYTES = 4096  # in whose time a tile is transposed: of N = M nothing is left out
POOL_BACKWARD_WINDOW = 13  # least cycles from a window to the next


def estimate_cycles(tiling: Tiling) -> int:
    """Cycles that a MATMUL takes, about: the slowest of computing, reading from memory, and filling
    the A scratchpad through the map cache.

    Tiles run column by column. An operand that fits its scratchpad is read once, else A once per
    column of tiles and S once per row of tiles: the first column may wait for what the others find
    in place. Nothing hides the loading of the first chunks, or of what the first tile reads in more
    cycles than it computes. Windows fetch A piece by piece; what they share comes from the map
    cache if the map fits it.
    """
    array = tiling.array
    # Without slack between the multiplies of a group and the loading of the next, a tile starts
    # later.
    loading = tiling.group_m * tiling.pe_rows
    gap = TILE_GAP * (1.5 if tiling.period * array.t == loading else 1)
    tile = tiling.groups * tiling.period * array.t + gap
    beat, passes = 2 * array.lanes, tiling.a_passes
    a_bytes, s_bytes = estimate_operand_bytes(tiling)
    a_cycles, fetching = a_bytes / beat / passes, _fetching(tiling) / passes
    s_cycles = s_bytes / beat / tiling.col_tiles
    s_tile = s_cycles / tiling.s_passes
    late = max(0, a_cycles / tiling.row_tiles + s_tile - tile)
    chunk = min(tiling.k, array.chunk_k)
    a_chunk = 2 * min(tiling.i, tiling.row_span) * chunk / beat
    s_chunk = s_tile * chunk / max(1, tiling.k * tiling.k_segments)  # no position: nothing is read
    first = max(tiling.row_tiles * tile + late, a_cycles + s_cycles, fetching)
    later = first if passes > 1 else max(tiling.row_tiles * tile, s_cycles)
    return int(first + (tiling.col_tiles - 1) * later + CHUNKS_AHEAD * a_chunk + s_chunk) + STARTUP


def s_row_bytes(tiling: Tiling) -> float:
    """Bytes of a column of S, with its indices."""
    return tiling.kept * (2 if tiling.dense else 2.5)


def estimate_operand_bytes(tiling: Tiling) -> tuple[float, float]:
    """Bytes of A and of S that a MATMUL reads, about."""
    array = tiling.array
    s_bytes = s_row_bytes(tiling) * tiling.j * tiling.s_passes
    if not tiling.lines:
        return 2 * tiling.i * tiling.k * tiling.a_passes, s_bytes
    piece, windows, pieces = _pieces(tiling)
    beat_bytes = 2 * array.lanes
    lines = min(tiling.lines, pieces * ceil_div(2 * piece, LINE_BYTES))
    if lines > array.cache_lines:  # read again for each pass, in WU for each position or tile
        sweeps = min(tiling.positions, tiling.row_tiles)
        again = sweeps * min(lines, windows) if tiling.a_trans else lines
        lines = tiling.a_passes * again
    channels = tiling.i // max(1, tiling.positions) if tiling.a_trans else tiling.k
    held = min(LINE_BYTES, beat_bytes * ceil_div(2 * channels, beat_bytes))  # what a line has of it
    return lines * held, s_bytes


def _pieces(tiling: Tiling) -> tuple[int, int, int]:
    """What windows fetch of A: values of a piece (the channels of a pixel, of which WU takes those
    of a tile's rows, on average), windows, and pieces of a pass."""
    if tiling.a_trans:
        return ceil_div(tiling.i, tiling.parts), tiling.k, tiling.k * tiling.parts
    return tiling.k, tiling.i, tiling.i * tiling.k_segments


def _fetching(tiling: Tiling) -> int:
    """Cycles for the pieces of windows: a beat each, in WU a word of the banks if that is less, of
    whole rows two beats."""
    if not tiling.lines:
        return 0
    piece, _, pieces = _pieces(tiling)
    array = tiling.array
    fetched = min(array.rows, array.lanes) if tiling.a_trans else 2 * array.lanes
    return pieces * tiling.a_passes * ceil_div(piece, fetched)


def choose_row_interleave(*tilings: Tiling) -> int:
    """The row interleave with the fewest estimated cycles, whatever those of the tilings of one
    command are."""
    return min(legal_row_interleaves(tilings[0].array, tilings[0].n, tilings[0].m),
               key=lambda choice: sum(estimate_cycles(replace(tiling, row_interleave=choice))
                                      for tiling in tilings))


def estimate_update_cycles(array: Array, rows: int, cols: int, n: int, m: int,
                           copies: int) -> int:
    """Cycles that an UPDATE with so many copies takes, about."""
    return _tiles(rows, cols) * _beats(array, DENSE_COPY_BYTES if copies and n == m
                                       else UPDATE_BYTES) + STARTUP


def estimate_prune_cycles(array: Array, rows: int, cols: int, n: int, m: int, copies: int) -> int:
    """Cycles that a PRUNE takes, about."""
    if n == m:
        each = _beats(array, DENSE_COPY_BYTES)
    elif copies == 1 and 4 * n <= m:
        each = _beats(array, PRUNE_QUARTER_BYTES) + PRUNE_QUARTER_GAP
    else:
        each = _beats(array, PRUNE_BYTES)
    return _tiles(rows, cols) * each + STARTUP


def _tiles(rows: int, cols: int) -> int:
    """Of the vector engine."""
    return ceil_div(rows, UPDATE_TILE) * ceil_div(cols, UPDATE_TILE)


def _beats(array: Array, count: int) -> int:
    """In which so many bytes move."""
    return count // (2 * array.lanes)


def estimate_feature_cycles(array: Array, rows: int, cols: int, each: int) -> int:
    """Cycles that an AFFINE or STATS takes, about: `each` per beat of a row."""
    return each * rows * ceil_div(cols, array.lanes) + STARTUP


def estimate_pool_cycles(array: Array, windows: Windows, channels: int, backward: bool) -> int:
    """Cycles that a POOL takes, about: per window the beats of the pixels that it sees, or its
    positions; padding counts as pixels."""
    seen = windows.positions >> 2 * windows.upsample_log2
    beats = max(1, seen) * ceil_div(channels, array.lanes)
    if backward:
        each = max(beats + beats // 4, POOL_BACKWARD_WINDOW, windows.positions + seen + 1)
    else:
        each = max(beats, windows.positions + 1)
    return windows.count * each + STARTUP
