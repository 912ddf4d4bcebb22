# SPDX-License-Identifier: Apache-2.0
"""sat_uspe: random streams against golden multiply-add; what passes through; the token."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.array_streams import ArrayStreams
from tb.common.buses import DRAIN, NORTH, WEST
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng


@cocotb.test()
@cocotb.parametrize(special=[0.0, 0.2, 1.0], p_valid=[1.0, 0.5], late=[False, True])
async def test_sums(dut, special, p_valid, late):
    """Late: the token comes up to T - 1 cycles after the results, when the next are due."""
    rng = make_rng(f"{special} {p_valid} {late}")
    (t,) = parameters(dut, "T")
    streams = ArrayStreams(rng, 1, 1, t, 60, special=special, p_valid=p_valid)
    await start(dut)
    results, token_at = [], None
    for cycle in range(len(streams.north) + 6 * t):
        drained = dut.drain_o.value.to_unsigned()
        if DRAIN.get(drained, "valid"):
            results.append(DRAIN.get(drained, "acc"))
        if dut.captured_o.value:
            token_at = cycle + int(rng.integers(0, t)) * late
        dut.token_i.value = int(cycle == token_at)
        inside = cycle < len(streams.north)
        dut.west_i.value = int(streams.west[cycle][0]) if inside else 0
        dut.north_i.value = int(streams.north[cycle][0]) if inside else 0
        await FallingEdge(dut.clk)
    expected = [int(word) for tile in streams.tiles for word in tile.reshape(-1)]
    assert [hex(word) for word in results] == [hex(word) for word in expected]


@cocotb.test()
async def test_passes_on(dut):
    """Both streams leave a cycle later, results too, the token T + 1."""
    rng = make_rng()
    (t,) = parameters(dut, "T")
    await start(dut)
    west = north = drain = None
    for _ in range(500):
        if west is not None:
            assert dut.east_o.value.to_unsigned() == west
            assert dut.south_o.value.to_unsigned() == north
            assert dut.drain_o.value.to_unsigned() == drain
        west, north, drain = (int(rng.integers(1 << bus.bits)) for bus in (WEST, NORTH, DRAIN))
        dut.west_i.value, dut.north_i.value, dut.drain_i.value = west, north, drain
        await FallingEdge(dut.clk)
    dut.token_i.value = 1
    await FallingEdge(dut.clk)
    dut.token_i.value = 0
    for cycle in range(2 * t):
        assert dut.token_o.value == (cycle == t)
        await FallingEdge(dut.clk)


@cocotb.test()
async def test_reset(dut):
    """Nothing of what was in flight comes out after a reset."""
    rng = make_rng()
    (t,) = parameters(dut, "T")
    streams = ArrayStreams(rng, 1, 1, t, 30, special=0.0)
    await start(dut)
    for _ in range(15):
        begin = int(rng.integers(0, len(streams.north) // 2))
        for cycle in range(begin, begin + int(rng.integers(1, 6 * t))):
            dut.token_i.value = int(dut.captured_o.value)
            dut.west_i.value = int(streams.west[cycle][0])
            dut.north_i.value = int(streams.north[cycle][0])
            await FallingEdge(dut.clk)
        dut.rst_n.value = dut.north_i.value = dut.west_i.value = dut.token_i.value = 0
        await FallingEdge(dut.clk)
        dut.rst_n.value = 1
        for _ in range(4 * t):
            assert not DRAIN.get(dut.drain_o.value.to_unsigned(), "valid")
            assert not (dut.captured_o.value or dut.token_o.value)
            await FallingEdge(dut.clk)
