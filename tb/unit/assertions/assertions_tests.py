# SPDX-License-Identifier: Apache-2.0
"""Traffic without a checker, so that only the RTL's assertions can find fault with it."""

import os

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng

CYCLES = 200


@cocotb.test()
async def test_stream(dut):
    """Random valid and ready of a queue; SAT_SOURCE says what the source does with a beat that
    waits: hold, withdraw, change."""
    source = os.environ["SAT_SOURCE"]
    await start(dut)
    rng = make_rng(source)
    waits = False
    for cycle in range(CYCLES):
        valid, change = waits, not waits
        if not waits:
            valid = rng.random() < 0.7
        elif source != "hold" and rng.random() < 0.2:
            valid, change = source != "withdraw", source == "change"
        dut.in_valid_i.value = int(valid)
        if change:
            dut.in_data_i.value = int(rng.integers(1 << 16))
        dut.out_ready_i.value = int(rng.random() < (0.3 if cycle < CYCLES / 2 else 0.9))
        waits = valid and not dut.in_ready_o.value
        await FallingEdge(dut.clk)


@cocotb.test()
async def test_anything(dut):
    """Random inputs."""
    await start(dut)
    rng = make_rng("anything")
    bus = ("s_axil_awvalid", "s_axil_wvalid", "s_axil_bready", "s_axil_arvalid", "s_axil_rready")
    inputs = [signal for signal in dut if signal._name.endswith("_i") or signal._name in bus]
    for _ in range(CYCLES):
        for signal in inputs:
            signal.value = int(rng.integers(1 << min(len(signal), 62)))
        await FallingEdge(dut.clk)
