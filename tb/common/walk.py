# SPDX-License-Identifier: Apache-2.0
"""The tiling of a MATMUL, and where in C its rows lie, as inputs of the units that walk over C."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sat.plan import Array, Tiling
from sat_golden import Windows
from tb.common.buses import C_ROWS

KINDS = ("rows", "transposed", "phase")


def log2(value: int) -> int:
    return value.bit_length() - 1


def c_rows(windows: Windows, rows: np.ndarray) -> int:
    """The record that tells which `rows` of C one phase of the windows makes."""
    first = int(rows[0])
    y, x = divmod(first, windows.out_w)
    step = 1 << windows.upsample_log2
    lines, line_w = (len(range(at, side, step))
                     for at, side in ((y, windows.out_h), (x, windows.out_w)))
    hop = (windows.out_h - (lines - 1) * step) * windows.out_w
    return C_ROWS.pack(spread=windows.upsample_log2, origin=first, out_w=windows.out_w,
                       line_w=line_w, lines=lines, image_hop=hop)


def tile_inputs(plan: Tiling) -> dict[str, int]:
    return {"cols_i": plan.j, "row_tiles_i": plan.row_tiles, "col_tiles_i": plan.col_tiles,
            "t1_log2_i": log2(plan.t1), "t2_log2_i": log2(plan.t2)}


@dataclass(frozen=True)
class Walk:
    """`plan`, whose row i is row `rows[i]` of the `total` rows of C."""

    plan: Tiling
    rows: np.ndarray
    total: int
    record: int = 0  # C_ROWS

    def inputs(self) -> dict[str, int]:
        return tile_inputs(self.plan) | {
            "rows_i": self.plan.i, "trans_i": int(self.plan.a_trans), "c_rows_i": self.record}


def draw_walk(rng: np.random.Generator, shape: Array, hint: int, kind: str,
              nm: tuple[int, int] = (2, 2)) -> Walk:
    """Up to two and a half tiles of rows and columns.

    rows        of C, one behind the other
    transposed  the same, in the order of a transposed A
    phase       of a convolution over an upsampled map
    """
    plan = Tiling(shape, 1, 1, 1, *nm, row_interleave=hint)
    i, j = (int(rng.integers(1, 5 * span // 2)) for span in (plan.row_span, plan.col_span))
    plan = replace(plan, j=j)
    if kind == "phase":
        up = int(rng.integers(1, 4))
        images = int(rng.integers(1, 4))
        width = int(rng.integers(1, max(2, i // images) + 1))
        height = -(-i // (images * width))
        out_h, out_w = (side * (1 << up) - int(rng.integers(1 << up)) for side in (height, width))
        windows = Windows(images, 1, 1, out_h, out_w, upsample_log2=up)
        phases = list(windows.phases())
        rows = phases[rng.integers(len(phases))].rows
        return Walk(replace(plan, i=len(rows)), rows, windows.count, c_rows(windows, rows))
    if rng.random() < 0.3:
        i = plan.row_span * int(rng.integers(1, 3))
    return Walk(replace(plan, i=i, a_trans=kind == "transposed"), np.arange(i), i)
