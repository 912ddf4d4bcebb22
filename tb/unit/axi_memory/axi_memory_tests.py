# SPDX-License-Identifier: Apache-2.0
"""The memory model of the benches must itself notice every break of the protocol."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from tb.common.axi_memory import AxiMemory, AxiMemoryCfg, prefix_pins
from tb.common.rng import make_rng

NEVER = 0.0
CHANNELS = {
    "ar": {"araddr": 0x100, "arlen": 3, "arsize": 4, "arburst": 1},
    "aw": {"awaddr": 0x100, "awlen": 3, "awsize": 4, "awburst": 1},
    "w": {"wdata": 0, "wstrb": 0xFFFF, "wlast": 0},
}
ILLEGAL = {
    "read_unaligned": ("ar", {"araddr": 0x108}),
    "read_crosses_4_kb": ("ar", {"araddr": 0xFE0}),
    "read_narrow": ("ar", {"arsize": 3}),
    "read_fixed": ("ar", {"arburst": 0}),
    "write_unaligned": ("aw", {"awaddr": 0x104}),
    "write_crosses_4_kb": ("aw", {"awaddr": 0xFD0}),
    "write_narrow": ("aw", {"awsize": 2}),
    "write_wraps": ("aw", {"awburst": 2}),
}
CHANNEL_OF = {field: channel for channel, fields in CHANNELS.items() for field in fields}
WRONG_LAST = {"early": (1, 1), "missing": (0, 0)}  # length, WLAST of the first beat


async def begin(dut, p=1.0):
    pin = prefix_pins(dut)
    for channel, fields in CHANNELS.items():
        pin(f"{channel}valid").value = 0
        for field, value in fields.items():
            pin(field).value = value
    pin("rready").value = pin("bready").value = 1
    dut.rst_n.value = 1
    Clock(dut.clk, 10, unit="ns").start()
    memory = AxiMemory(dut.clk, dut.rst_n, pin, 1 << 16, make_rng("memory"),
                       AxiMemoryCfg.stalled(p, (2, 2)))
    return memory, pin


async def offer(dut, pin, channel, cycles, **fields):
    """Drives a channel after the rising edge, as registers do."""
    await RisingEdge(dut.clk)
    for field, value in fields.items():
        pin(field).value = value
    pin(f"{channel}valid").value = 1
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    pin(f"{channel}valid").value = 0


@cocotb.test(timeout_time=10, timeout_unit="us")
async def test_read_and_write_work(dut):
    memory, pin = await begin(dut)
    await offer(dut, pin, "aw", 1, awlen=0)
    await offer(dut, pin, "w", 1, wdata=0x34, wstrb=1, wlast=1)
    while memory.outstanding:
        await FallingEdge(dut.clk)
    assert memory.fetch(0x100, 2) == b"\x34\x00"
    assert memory.write_count.sum() == 1 and memory.writes == [(0x100, 1)]
    await offer(dut, pin, "ar", 1, arlen=0)
    while not pin("rvalid").value:
        await FallingEdge(dut.clk)
    assert pin("rdata").value == 0x34 and pin("rlast").value == 1


@cocotb.test(timeout_time=10, timeout_unit="us", expect_error=AssertionError)
@cocotb.parametrize(case=list(ILLEGAL))
async def test_illegal_burst_is_noticed(dut, case):
    channel, fields = ILLEGAL[case]
    _, pin = await begin(dut)
    await offer(dut, pin, channel, 1, **fields)
    for _ in range(5):
        await FallingEdge(dut.clk)


@cocotb.test(timeout_time=10, timeout_unit="us", expect_error=AssertionError)
@cocotb.parametrize(channel=list(CHANNELS))
async def test_retracted_valid_is_noticed(dut, channel):
    _, pin = await begin(dut, NEVER)
    await offer(dut, pin, channel, 2)
    for _ in range(5):
        await FallingEdge(dut.clk)


@cocotb.test(timeout_time=10, timeout_unit="us", expect_error=AssertionError)
@cocotb.parametrize(field=list(CHANNEL_OF))
async def test_changed_payload_is_noticed(dut, field):
    _, pin = await begin(dut, NEVER)
    channel = CHANNEL_OF[field]
    cocotb.start_soon(offer(dut, pin, channel, 10))
    for _ in range(3):
        await RisingEdge(dut.clk)
    pin(field).value = CHANNELS[channel][field] ^ 1
    for _ in range(3):
        await FallingEdge(dut.clk)


@cocotb.test(timeout_time=10, timeout_unit="us", expect_error=AssertionError)
@cocotb.parametrize(case=list(WRONG_LAST))
async def test_wrong_wlast_is_noticed(dut, case):
    length, last = WRONG_LAST[case]
    _, pin = await begin(dut)
    await offer(dut, pin, "aw", 1, awlen=length)
    await offer(dut, pin, "w", 1, wlast=last)
    for _ in range(5):
        await FallingEdge(dut.clk)


@cocotb.test(timeout_time=10, timeout_unit="us", expect_error=AssertionError)
async def test_data_without_strobe_is_noticed(dut):
    _, pin = await begin(dut)
    await offer(dut, pin, "aw", 1, awlen=0)
    await offer(dut, pin, "w", 1, wdata=0x1234, wstrb=1, wlast=1)
    for _ in range(5):
        await FallingEdge(dut.clk)
