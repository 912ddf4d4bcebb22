# SPDX-License-Identifier: Apache-2.0
"""The tiling of a MATMUL as inputs of the units that walk over C."""

from __future__ import annotations

from sat.plan import Tiling


def log2(value: int) -> int:
    return value.bit_length() - 1


def walk_inputs(plan: Tiling) -> dict[str, int]:
    return {"rows_i": plan.i, "cols_i": plan.j, "row_tiles_i": plan.row_tiles,
            "col_tiles_i": plan.col_tiles, "t1_log2_i": log2(plan.t1), "t2_log2_i": log2(plan.t2)}
