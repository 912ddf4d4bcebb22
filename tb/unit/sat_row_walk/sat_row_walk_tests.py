# SPDX-License-Identifier: Apache-2.0
"""sat_row_walk against nested loops: order, addresses, skipped rows, ends of tiles, phases."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat.plan import Array, Tiling
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import KINDS, Walk, draw_walk


def expected_of(walk: Walk, base: int, stride: int, elem: int, beat: int,
                few: int) -> list[tuple]:
    """(address, columns, beats, few columns, skip, last of PE row, of tile, of column tile) of each
    row."""
    found, plan = [], walk.plan
    for number, (row, col) in enumerate(plan.tiles):
        order = plan.drain_order(row)
        for place, r in enumerate(order):
            skip = r >= plan.i
            tile_last = place == len(order) - 1
            address = None if skip else base + int(walk.rows[r]) * stride + col * elem
            cols = plan.tile_cols(col)
            found.append((address, cols, -(-cols * elem // beat), cols <= few, skip,
                          place % plan.t2 == plan.t2 - 1, tile_last,
                          tile_last and (number + 1) % plan.row_tiles == 0))
    return found


@cocotb.test()
@cocotb.parametrize(t=[4, 8, 16], kind=KINDS, p_ready=[1.0, 0.4])
async def test_walks(dut, t, kind, p_ready):
    """Up to two and a half tiles, whole tiles among them; at full speed a row per cycle."""
    rng = make_rng(f"{t} {kind} {p_ready}")
    shape = Array(*parameters(dut, "ROWS", "COLS"), t)
    data_w, few = parameters(dut, "DATA_W", "FEW")
    beat = data_w // 8
    await start(dut)
    for hint in (0, 1, 2, 3, 7):
        walk = draw_walk(rng, shape, hint, kind)
        single = int(rng.integers(2))
        base = 64 * int(rng.integers(1 << 33))
        stride = 64 * int(rng.integers(1, 1 << 18))
        inputs = {"base_i": base, "stride_i": stride, "as_single_i": single}
        for name, value in (inputs | walk.inputs()).items():
            getattr(dut, name).value = value
        dut.start_i.value = 1
        dut.ready_i.value = 0
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        for _ in range(2):  # the pipeline fills
            assert not dut.valid_o.value and not dut.idle_o.value
            await FallingEdge(dut.clk)
        for expected in expected_of(walk, base, stride, 2 << single, beat, few):
            while True:
                assert dut.valid_o.value
                actual = (dut.addr_o.value.to_unsigned(), dut.cols_o.value.to_unsigned(),
                          dut.beats_o.value.to_unsigned(), bool(dut.few_o.value),
                          *(bool(getattr(dut, name).value) for name in (
                              "skip_o", "pe_row_last_o", "tile_last_o", "column_last_o")))
                assert not dut.idle_o.value
                if not actual[4]:
                    assert actual == expected, walk
                else:  # the address of a row past the end is not used
                    assert actual[1:] == expected[1:], walk
                ready = rng.random() < p_ready
                dut.ready_i.value = int(ready)
                await FallingEdge(dut.clk)
                if ready:
                    break
        assert not dut.valid_o.value and dut.idle_o.value


@cocotb.test()
async def test_many_rows(dut):
    """More than 16 bits count: where the walk ends, and the last row."""
    rng = make_rng("many")
    shape = Array(*parameters(dut, "ROWS", "COLS"), 4)
    await start(dut)
    plan = Tiling(shape, 65536 + int(rng.integers(1, 200)), 1, 1, row_interleave=7)
    stride, address = 64 * int(rng.integers(1, 1 << 18)), 0
    inputs = {"base_i": 64, "stride_i": stride, "as_single_i": 0, "start_i": 1, "ready_i": 1}
    walk = Walk(plan, np.arange(plan.i), plan.i)
    for name, value in (inputs | walk.inputs()).items():
        getattr(dut, name).value = value
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    rows = 0
    while not dut.idle_o.value:
        if dut.valid_o.value and not dut.skip_o.value:
            address = max(address, dut.addr_o.value.to_unsigned())
            rows += 1
        await FallingEdge(dut.clk)
    assert (rows, address) == (plan.i, 64 + (plan.i - 1) * stride), plan
