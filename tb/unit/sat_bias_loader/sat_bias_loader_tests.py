# SPDX-License-Identifier: Apache-2.0
"""sat_bias_loader: the bias of each column tile in turn, whatever memory and consumer do."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from sat.plan import Array, Tiling
from tb.common.clock import start
from tb.common.dma_ports import STALLS, ReadPorts
from tb.common.lanes import unpack
from tb.common.matrix import Matrix, set_inputs
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), hint=[0, 1, 7])
async def test_tiles(dut, stalls, hint):
    rng = make_rng(f"{stalls} {hint}")
    cols, t, lanes = parameters(dut, "COLS", "T", "LANES_OUT")
    await start(dut)
    for _ in range(4):  # commands follow each other without a reset
        shape = Array(2, cols, t, data_w=parameters(dut, "DATA_W")[0])
        span = Tiling(shape, 1, 1, 1, row_interleave=hint).col_span
        plan = Tiling(shape, 1, int(rng.integers(1, 5 * span)), 1, row_interleave=hint)
        bias = Matrix(rng, 1, plan.j, 32)
        port = ReadPorts(dut, bias.memory.fetch, rng, STALLS[stalls])
        set_inputs(dut, {"base_i": bias.base, "cols_i": plan.j, "col_tiles_i": plan.col_tiles,
                         "t1_log2_i": log2(plan.t1), "start_i": 1})
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        for col in range(0, plan.j, span):
            cycles = 0
            while not dut.ready_o.value:
                port.cycle()
                await FallingEdge(dut.clk)
                cycles += 1
                assert cycles < 5000
            groups = -(-plan.tile_cols(col) // lanes)
            for group in rng.permutation(groups):
                dut.group_i.value = int(group)
                port.cycle()
                await FallingEdge(dut.clk)
                assert dut.ready_o.value
                at = col + group * lanes
                expected = [int(x) for x in bias.elements[0, at : min(at + lanes, plan.j)]]
                actual = unpack(dut.values_o.value.to_unsigned(), 32, lanes)
                assert actual[: len(expected)] == expected, f"column {at} of {plan}"
            dut.next_i.value = 1
            port.cycle()
            await FallingEdge(dut.clk)
            dut.next_i.value = 0
        for _ in range(5):
            assert not dut.ready_o.value and not dut.req_valid_o.value
            port.cycle()
            await FallingEdge(dut.clk)
        assert not port.queue
