# SPDX-License-Identifier: Apache-2.0
"""sat_row_walk against nested loops: order, addresses, skipped rows, ends of tiles, segments."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from sat.plan import Array, Tiling
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import walk_inputs


def expected_of(plan: Tiling, base: int, stride: int, elem: int) -> list[tuple]:
    """(address, columns, skip, last of PE row, of tile, of column tile) of each row."""
    found = []
    for number, (row, col) in enumerate(plan.tiles):
        order = plan.drain_order(row)
        for place, r in enumerate(order):
            skip = r >= plan.segment_end(row)
            tile_last = place == len(order) - 1
            found.append((base + r * stride + col * elem, plan.tile_cols(col), skip,
                          place % plan.t2 == plan.t2 - 1, tile_last,
                          tile_last and (number + 1) % plan.row_tiles == 0))
    return found


@cocotb.test()
@cocotb.parametrize(t=[4, 8, 16], segments=[1, 5], p_ready=[1.0, 0.4])
async def test_walks(dut, t, segments, p_ready):
    """Segments of up to two and a half tiles, whole tiles among them."""
    rng = make_rng(f"{t} {segments} {p_ready}")
    shape = Array(*parameters(dut, "ROWS", "COLS"), t)
    await start(dut)
    for hint in (0, 1, 2, 3, 7):
        plan = Tiling(shape, 1, 1, 1, row_interleave=hint)
        i, j = (int(rng.integers(1, 2.5 * span)) for span in (plan.row_span, plan.col_span))
        if rng.random() < 0.3:
            i = plan.row_span * int(rng.integers(1, 3))
        plan = Tiling(shape, i, j, 1, row_interleave=hint,
                      row_segments=int(rng.integers(1, segments + 1)))
        elem_log2 = int(rng.integers(1, 3))
        base = 64 * int(rng.integers(1 << 33))
        stride = 64 * int(rng.integers(1, 1 << 18))
        inputs = {"base_i": base, "stride_i": stride, "elem_log2_i": elem_log2}
        for name, value in (inputs | walk_inputs(plan)).items():
            getattr(dut, name).value = value
        dut.start_i.value = 1
        dut.ready_i.value = 0
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        for expected in expected_of(plan, base, stride, 1 << elem_log2):
            while True:
                assert dut.valid_o.value
                actual = (dut.addr_o.value.to_unsigned(), dut.cols_o.value.to_unsigned(),
                          *(bool(getattr(dut, name).value) for name in (
                              "skip_o", "pe_row_last_o", "tile_last_o", "column_last_o")))
                if not actual[2]:
                    assert actual == expected, plan
                else:  # the address of a row past its segment is not used
                    assert actual[1:] == expected[1:], plan
                ready = rng.random() < p_ready
                dut.ready_i.value = int(ready)
                await FallingEdge(dut.clk)
                if ready:
                    break
        assert not dut.valid_o.value


@cocotb.test()
async def test_many_rows(dut):
    """More than 16 bits count: where the walk ends, and the last row."""
    rng = make_rng("many")
    shape = Array(*parameters(dut, "ROWS", "COLS"), 4)
    await start(dut)
    plan = Tiling(shape, 65536 + int(rng.integers(1, 200)), 1, 1, row_interleave=7)
    stride, address = 64 * int(rng.integers(1, 1 << 18)), 0
    inputs = {"base_i": 64, "stride_i": stride, "elem_log2_i": 1, "start_i": 1, "ready_i": 1}
    for name, value in (inputs | walk_inputs(plan)).items():
        getattr(dut, name).value = value
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    rows = 0
    while dut.valid_o.value:
        if not dut.skip_o.value:
            address = max(address, dut.addr_o.value.to_unsigned())
            rows += 1
        await FallingEdge(dut.clk)
    assert (rows, address) == (plan.i, 64 + (plan.i - 1) * stride), plan
