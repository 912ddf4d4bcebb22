# SPDX-License-Identifier: Apache-2.0
"""sat_aux_loader: rows of the tiles in drain order, beat by beat, without those past their segment.
"""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from sat.plan import Tiling
from tb.common.clock import start
from tb.common.dma_ports import STALLS, ReadPorts
from tb.common.matrix import Matrix, set_inputs
from tb.common.parameters import array_of
from tb.common.rng import make_rng
from tb.common.walk import walk_inputs


def beats_of(plan: Tiling, matrix: Matrix) -> list[int]:
    """Addresses in the order of delivery."""
    size = matrix.bits // 8
    return [matrix.line(row) + at
            for first_row, col in plan.tiles for row in plan.drain_order(first_row)
            if row < plan.segment_end(first_row)
            for at in range(size * col, size * (col + plan.tile_cols(col)),
                            2 * plan.array.lanes)]


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), p_ready=[1.0, 0.2], hint=[0, 1, 7], bits=[16, 32])
async def test_beats(dut, stalls, p_ready, hint, bits):
    rng = make_rng(f"{stalls} {p_ready} {hint} {bits}")
    shape = array_of(dut, "ROWS", "COLS", "T", "DATA_W")
    await start(dut)
    for segments in (1, int(rng.integers(2, 6))):
        plan = Tiling(shape, 1, 1, 1, row_interleave=hint)
        i, j = (int(rng.integers(1, 2.5 * span)) for span in (plan.row_span, plan.col_span))
        plan = Tiling(shape, -(-i // segments), j, 1, row_interleave=hint, row_segments=segments)
        matrix = Matrix(rng, plan.i * segments, j, bits)
        port = ReadPorts(dut, matrix.memory.fetch, rng, STALLS[stalls])
        set_inputs(dut, matrix.inputs() | walk_inputs(plan)
                   | {"as_single_i": bits == 32, "start_i": 1, "beat_ready_i": 0})
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        idle = 0
        expected = beats_of(plan, matrix)
        while expected:
            ready = rng.random() < p_ready
            dut.beat_ready_i.value = int(ready)
            idle += 1
            if ready and dut.beat_valid_o.value:
                address = expected.pop(0)
                expected_beat = matrix.memory.fetch(address, port.beat_bytes)
                assert dut.beat_o.value.to_unsigned() == expected_beat, plan
                idle = 0
            assert idle < 500
            port.cycle()
            assert not port.offered, "it asked for more than it takes"
            await FallingEdge(dut.clk)
        dut.beat_ready_i.value = 0
        for _ in range(2 * shape.rows * shape.t):  # rows past the matrix are still walked over
            assert not dut.beat_valid_o.value and not dut.req_valid_o.value
            port.cycle()
            await FallingEdge(dut.clk)
