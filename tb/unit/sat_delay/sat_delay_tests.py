# SPDX-License-Identifier: Apache-2.0
"""sat_delay gives back what went in CYCLES clocks before."""

import os

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
async def test_output_is_the_delayed_input(dut):
    await start(dut)
    cycles = int(os.environ["SAT_CYCLES"])
    words = [int(word) for word in make_rng("words").integers(0, 1 << len(dut.in_i), 200)]
    for index, word in enumerate(words):
        dut.in_i.value = word
        await Timer(1, unit="ns")
        if index >= cycles:
            assert dut.out_o.value.to_unsigned() == words[index - cycles]
        await FallingEdge(dut.clk)
