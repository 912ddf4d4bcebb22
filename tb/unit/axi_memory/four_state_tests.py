# SPDX-License-Identifier: Apache-2.0
"""In four-state simulation the memory model notices what is unknown, except in a reset."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge
from cocotb.types import LogicArray

from tb.common.axi_memory import AxiMemory, prefix_pins
from tb.common.rng import make_rng
from tb.unit.axi_memory.axi_memory_tests import CHANNEL_OF, CHANNELS, begin, offer


def unknown(handle):
    return LogicArray("X" * len(handle))


@cocotb.test(timeout_time=10, timeout_unit="us")
async def test_unknown_outputs_in_reset_are_ignored(dut):
    pin = prefix_pins(dut)
    dut.rst_n.value = 0
    for channel in CHANNELS:
        pin(f"{channel}valid").value = unknown(pin(f"{channel}valid"))
    Clock(dut.clk, 10, unit="ns").start()
    memory = AxiMemory(dut.clk, dut.rst_n, pin, 1 << 16, make_rng("memory"))
    for _ in range(5):
        await FallingEdge(dut.clk)
    assert not memory.outstanding


@cocotb.test(timeout_time=10, timeout_unit="us", expect_error=AssertionError)
@cocotb.parametrize(channel=list(CHANNELS))
async def test_unknown_valid_is_noticed(dut, channel):
    _, pin = await begin(dut)
    for _ in range(5):
        await FallingEdge(dut.clk)
    pin(f"{channel}valid").value = unknown(pin(f"{channel}valid"))
    for _ in range(5):
        await FallingEdge(dut.clk)


@cocotb.test(timeout_time=10, timeout_unit="us", expect_error=AssertionError)
@cocotb.parametrize(field=list(CHANNEL_OF))
async def test_unknown_payload_is_noticed(dut, field):
    _, pin = await begin(dut)
    await offer(dut, pin, CHANNEL_OF[field], 1, **{field: unknown(pin(field))})
    for _ in range(5):
        await FallingEdge(dut.clk)
