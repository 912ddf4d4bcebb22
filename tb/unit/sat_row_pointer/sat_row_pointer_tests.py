# SPDX-License-Identifier: Apache-2.0
"""sat_row_pointer against its two-register model."""

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
async def test_random_moves(dut):
    rng = make_rng()
    await start(dut)
    mask = (1 << 40) - 1
    row = saved = stride = None
    for cycle in range(3000):
        begin = cycle == 0 or rng.random() < 0.02
        step, save, rewind = map(bool, rng.random(3) < (0.5, 0.2, 0.2))
        base, new_stride = int(rng.integers(1 << 40)), int(rng.integers(1 << 24))
        dut.start_i.value, dut.base_i.value, dut.stride_i.value = int(begin), base, new_stride
        dut.step_i.value, dut.save_i.value = int(step), int(save)
        dut.rewind_i.value = int(rewind)
        if begin:
            row, saved, stride = base, base, new_stride
        else:
            following = row + stride & mask
            row, saved = (saved if rewind else following if step else row,
                          following if save else saved)
        await FallingEdge(dut.clk)
        assert dut.row_o.value.to_unsigned() == row
