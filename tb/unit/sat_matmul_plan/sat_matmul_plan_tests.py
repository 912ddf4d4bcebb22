# SPDX-License-Identifier: Apache-2.0
"""sat_matmul_plan against the same formulas in Python, for every N:M and sizes up to 65535."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.plan import Plan, Shape, log2
from tb.common.rng import make_rng

LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]


def shape_of(dut) -> Shape:
    return Shape(*parameters(dut, "ROWS", "COLS", "T", "A_DEPTH", "S_DEPTH", "CHUNK_K"))


def expected_of(plan: Plan) -> dict[str, int]:
    return {
        "rows": plan.i, "cols": plan.j, "depth": plan.k, "dense": plan.dense, "n": plan.group_n,
        "m_log2": log2(plan.group_m), "t2_log2": log2(plan.t2), "t1_log2": log2(plan.t1),
        "period": plan.period, "groups": plan.groups, "kept": plan.kept,
        "row_tiles": plan.row_tiles, "col_tiles": plan.col_tiles,
        "a_resident": plan.a_resident, "s_resident": plan.s_resident,
    }


async def check(dut, plan: Plan) -> None:
    values = {"n": plan.n, "m": plan.m, "map": plan.hint, "rows": plan.i, "cols": plan.j,
              "depth": plan.k, "start": 1}
    for name, value in values.items():
        getattr(dut, f"{name}_i").value = value
    await FallingEdge(dut.clk)
    for name in values:  # valid with start_i only
        getattr(dut, f"{name}_i").value = 0
    for cycle in range(1, 7):
        assert dut.ready_o.value == (cycle == 4)
        if cycle >= 4:
            actual = {name: int(getattr(dut, f"{name}_o").value) for name in expected_of(plan)}
            assert actual == expected_of(plan), f"{plan}"
        await FallingEdge(dut.clk)


def size(rng: np.random.Generator) -> int:
    """1..65535, small ones and powers of two and their neighbours as likely as large ones."""
    bits = int(rng.integers(1, 17))
    around = (1 << bits) + int(rng.integers(-1, 2))
    value = around if rng.random() < 0.3 else int(rng.integers(1, 1 << bits))
    return min(max(value, 1), 65535)


@cocotb.test()
async def test_plans(dut):
    """Random sizes with every N:M and hint."""
    rng = make_rng()
    await start(dut)
    for n, m in LEGAL_NM:
        for hint in range(8):
            for _ in range(3):
                await check(dut, Plan(shape_of(dut), size(rng), size(rng), size(rng), n, m, hint))


@cocotb.test()
async def test_residency(dut):
    """Around the sizes at which an operand just fits."""
    rng = make_rng()
    shape = shape_of(dut)
    await start(dut)
    for _ in range(300):
        n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
        plan = Plan(shape, 1, 1, 1, n, m, int(rng.integers(8)))
        tiles = int(rng.integers(1, 5))
        k_a = shape.a_depth * 8 // (plan.t2 * tiles) + int(rng.integers(-9, 10))
        k_s = shape.s_depth // plan.t1 * plan.group_m // plan.group_n + int(rng.integers(-9, 10))
        k = min(max(int(rng.choice([k_a, k_s])), 1), 65535)
        i = plan.row_span * tiles - int(rng.integers(0, plan.row_span))
        j = plan.col_span * tiles - int(rng.integers(0, plan.col_span))
        await check(dut, Plan(shape, i, j, k, n, m, plan.hint))
