# SPDX-License-Identifier: Apache-2.0
"""Programs of one command with a giant side: columns, map and window sides up to what their fields
hold, rows, depth, pixels and windows twice as far, the other sides small, so that a program takes
seconds. Every such bit of every counter moves over some dozens of seeds; the counters are longer,
but 2^24 rows are more than a test's memory, and benches of the units reach them. The tensors lie
anywhere (tb/top/scatter.py).
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from sat_golden import Windows
from sat_golden.defs import COLS_MAX, MatmulFlag, Opcode, PruneFlag, StatsFlag
from tb.common.rng import make_rng
from tb.top.random_program import (
    EPILOGUE_FLAGS,
    LEGAL_NM,
    NUMBERS,
    Program,
    ProgramWriter,
    dealt,
    draw_base,
)
from tb.top.random_windows import (
    KERNELS,
    KINDS,
    POOL_KERNELS,
    Limits,
    draw_windows,
    integers,
)
from tb.top.scatter import scattered

GIANT_SIZE = 64 << 20
SIDE_BITS = COLS_MAX.bit_length()
SIZE_BITS = SIDE_BITS + 1
GIANT_MAX = (1 << SIZE_BITS) - 1
# A window costs a cycle per position, in the gradient of POOL at least 13.
WINDOW_LIMITS = Limits(rows=GIANT_MAX, taps=150_000, matrix=GIANT_MAX, channels=8, macs=10**9)
BACKWARD_LIMITS = WINDOW_LIMITS._replace(taps=80_000)
BIG_KERNELS = [(15, 15), (14, 15), (15, 9), (8, 13)]


def giant(rng: np.random.Generator, bits: int = SIZE_BITS) -> int:
    """Half of them have the highest bit, the others one of the six below; the rest is random."""
    top = bits - 1 - int(rng.integers(1, 7)) * int(rng.integers(2))
    return int(rng.integers(1 << top, 2 << top))


def small(rng: np.random.Generator, most: int) -> int:
    return int(rng.integers(1, most + 1))


def add_matmul(writer: ProgramWriter, kind: str, side: str, trans: int) -> None:
    rng = writer.rng
    sizes = {"rows": small(rng, 4), "cols": small(rng, 8), "depth": small(rng, 16)}
    sizes[side] = giant(rng, SIDE_BITS if side == "cols" else SIZE_BITS)
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags = trans | EPILOGUE_FLAGS[rng.integers(len(EPILOGUE_FLAGS))]
    writer.matmul(*sizes.values(), n, m, flags, kind)


def add_weights(writer: ProgramWriter, kind: str, opcode: Opcode, side: str) -> None:
    """The engine takes tiles of 16 x 16: these cost most."""
    rng = writer.rng
    shape = ((giant(rng), small(rng, 4)) if side == "rows"
             else (small(rng, 4), giant(rng, SIDE_BITS)))
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    if opcode == Opcode.PRUNE:
        flags = small(rng, 3) | PruneFlag.SRC_FP16 * int(rng.integers(2))
    else:
        flags = int(rng.integers(4)) | int(rng.integers(2)) << 3
    writer.weights(opcode, *shape, n, m, flags, kind)


def add_rows(writer: ProgramWriter, kind: str, opcode: Opcode, side: str) -> None:
    """AFFINE and STATS."""
    rng = writer.rng
    shape = ((giant(rng), small(rng, 8)) if side == "rows"
             else (small(rng, 4), giant(rng, SIDE_BITS)))
    flags = int(rng.integers(4))
    if opcode == Opcode.AFFINE:
        writer.affine(*shape, flags, kind, str(rng.choice(["own", "X"])))
    else:
        writer.stats(*shape, flags & StatsFlag.SECOND, kind)


def draw_giant_windows(rng: np.random.Generator, kernels: list[tuple[int, int]], limits: Limits,
                       channels: int, axis: int) -> Windows:
    """A map of very many images (axis 0), very tall (1) or very wide (2). Of windows that are not
    a layer's there are as many as one likes, and most may lie outside; the map may be small then.
    """
    big = giant(rng, SIDE_BITS) if axis else min(giant(rng), limits.taps)
    kind = str(rng.choice(KINDS))
    while True:
        grid = integers(rng.choice([1, 1, 1, 2, 3], 3))
        if kind != "any" or rng.random() < 0.7:
            grid[axis] = big
        windows = draw_windows(rng, kind, kernels[rng.integers(len(kernels))],
                               int(rng.integers(4)), int(rng.integers(4)), tuple(grid))
        if kind == "any":
            outs = [small(rng, 2), small(rng, 2)]
            outs[axis - 1] = max(1, giant(rng, SIDE_BITS) // windows.images)
            windows = replace(windows, out_h=outs[0], out_w=outs[1])
        if limits.allow(windows, channels, 1) and fits_fields(windows):
            return windows


def fits_fields(windows: Windows) -> bool:
    return max(windows.map_h, windows.map_w, windows.out_h, windows.out_w) <= COLS_MAX


def add_pool(writer: ProgramWriter, kind: str, backward: bool, axis: int) -> None:
    rng = writer.rng
    channels = small(rng, 8)
    limits = BACKWARD_LIMITS if backward else WINDOW_LIMITS
    windows = draw_giant_windows(rng, POOL_KERNELS, limits, channels, axis)
    (writer.pool_backward if backward else writer.pool)(windows, channels, kind)


def add_conv(writer: ProgramWriter, kind: str, trans: int, axis: int) -> None:
    rng = writer.rng
    channels, cols = small(rng, 8), small(rng, 4)
    windows = draw_giant_windows(rng, KERNELS, WINDOW_LIMITS, channels, axis)
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags = trans | EPILOGUE_FLAGS[rng.integers(len(EPILOGUE_FLAGS))]
    writer.conv(windows, channels, cols, n, m, flags, kind)


def add_deep_conv(writer: ProgramWriter, kind: str, trans: int) -> None:
    """A large kernel with many channels: long rows of the map, many positions, few windows."""
    rng = writer.rng
    kernel = (1, 1) if rng.random() < 0.3 else BIG_KERNELS[rng.integers(len(BIG_KERNELS))]
    grid = small(rng, 2), small(rng, 3), small(rng, 3)
    windows = replace(draw_windows(rng, "any", kernel, 0, 0, grid), out_h=1, out_w=small(rng, 2))
    channels = max(1, giant(rng) // windows.positions)
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags = trans | EPILOGUE_FLAGS[rng.integers(len(EPILOGUE_FLAGS))]
    writer.conv(windows, channels, small(rng, 3), n, m, flags, kind)


TRANS = (0, MatmulFlag.A_TRANS)
GIANTS = [
    *((add_matmul, side, trans) for side in ("rows", "cols", "depth") for trans in TRANS),
    *((add_weights, opcode, side) for opcode in (Opcode.PRUNE, Opcode.UPDATE)
      for side in ("rows", "cols")),
    *((add_rows, opcode, side) for opcode in (Opcode.AFFINE, Opcode.STATS)
      for side in ("rows", "cols")),
    *((add_pool, backward, axis) for backward in (False, True) for axis in range(3)),
    *((add_conv, trans, axis) for trans in TRANS for axis in range(3)),
    *((add_deep_conv, trans) for trans in TRANS),
]


def giant_program(seed: int) -> Program:
    """One command with a giant side, anywhere in memory. Twice as many consecutive seeds as GIANTS
    have all its cases."""
    rng = make_rng("giant", seed)
    add, *case = dealt(seed, GIANTS, "giants")
    while True:
        writer = ProgramWriter(rng, draw_base(rng, GIANT_SIZE), GIANT_SIZE)
        with contextlib.suppress(MemoryError):  # the strides may have too much slack
            add(writer, str(rng.choice(NUMBERS)), *case)
            return scattered(writer.finish(), rng)
