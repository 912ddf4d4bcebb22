# SPDX-License-Identifier: Apache-2.0
"""sat_valid_delay gives back what went in CYCLES clocks before, zeros after a reset."""

import os

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
async def test_output_is_the_delayed_input_and_reset_clears(dut):
    cycles = int(os.environ["SAT_CYCLES"])
    rng = make_rng("words")
    await start(dut)
    pipeline = [0] * cycles
    for _ in range(500):
        word, reset = int(rng.integers(0, 1 << len(dut.in_i))), rng.random() < 0.05
        dut.in_i.value = word
        dut.rst_n.value = int(not reset)
        await Timer(1, unit="ns")
        pipeline = [word, *pipeline]
        assert dut.out_o.value.to_unsigned() == pipeline.pop()
        if reset:
            pipeline = [0] * cycles
        await FallingEdge(dut.clk)
