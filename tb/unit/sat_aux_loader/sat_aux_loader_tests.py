# SPDX-License-Identifier: Apache-2.0
"""sat_aux_loader: rows of the tiles in drain order, beat by beat, without those past the end.
"""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.dma_ports import STALLS, ReadPorts
from tb.common.matrix import Matrix, set_inputs
from tb.common.parameters import array_of
from tb.common.rng import make_rng
from tb.common.walk import KINDS, Walk, draw_walk


def beats_of(walk: Walk, matrix: Matrix) -> list[int]:
    """Addresses in the order of delivery."""
    size, plan = matrix.bits // 8, walk.plan
    return [matrix.line(int(walk.rows[row])) + at
            for first_row, col in plan.tiles for row in plan.drain_order(first_row)
            if row < plan.i
            for at in range(size * col, size * (col + plan.tile_cols(col)),
                            2 * plan.array.lanes)]


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), p_ready=[1.0, 0.2], hint=[0, 1, 7], bits=[16, 32])
async def test_beats(dut, stalls, p_ready, hint, bits):
    rng = make_rng(f"{stalls} {p_ready} {hint} {bits}")
    shape = array_of(dut, "ROWS", "COLS", "T", "DATA_W")
    await start(dut)
    for kind in KINDS:
        walk = draw_walk(rng, shape, hint, kind)
        matrix = Matrix(rng, walk.total, walk.plan.j, bits)
        port = ReadPorts(dut, matrix.memory.fetch, rng, STALLS[stalls])
        set_inputs(dut, matrix.inputs() | walk.inputs()
                   | {"as_single_i": bits == 32, "start_i": 1, "beat_ready_i": 0})
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        idle = 0
        expected = beats_of(walk, matrix)
        while expected:
            ready = rng.random() < p_ready
            dut.beat_ready_i.value = int(ready)
            idle += 1
            if ready and dut.beat_valid_o.value:
                address = expected.pop(0)
                expected_beat = matrix.memory.fetch(address, port.beat_bytes)
                assert dut.beat_o.value.to_unsigned() == expected_beat, walk
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
