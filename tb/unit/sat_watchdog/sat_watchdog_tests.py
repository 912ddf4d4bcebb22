# SPDX-License-Identifier: Apache-2.0
"""sat_watchdog against a count in Python."""

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge
from cocotb.utils import get_sim_time

from tb.common.clock import PERIOD_NS, start
from tb.common.rng import make_rng


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(limit=[0, 1, 7, 30])
async def test_random_progress(dut, limit):
    rng = make_rng("progress")
    await start(dut, limit_i=limit)
    waited = hangs = 0
    pending = False
    p_progress = 0.0
    for cycle in range(3000):
        if cycle % 100 == 0:
            p_progress = float(rng.choice([0.0, 0.05, 0.3]))
        pending ^= bool(rng.random() < 0.02)
        progress = bool(rng.random() < p_progress)
        dut.pending_i.value = int(pending)
        dut.progress_i.value = int(progress)
        await ReadOnly()
        hang = bool(pending and limit and waited >= limit)
        assert bool(dut.hang_o.value) == hang
        hangs += hang
        waited = waited + 1 if pending and not progress else 0
        await FallingEdge(dut.clk)
    assert bool(hangs) == bool(limit)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_every_limit(dut):
    """Up to its largest if that is small, else some of every size: not a cycle early or late. A
    limit that is set while the core waits counts from the last progress."""
    await start(dut, pending_i=1)
    bits = len(dut.limit_i)
    limits = range(1 << bits) if bits < 10 else [1 << bit for bit in range(10, bits)]
    for limit in limits:
        dut.progress_i.value = 1
        await FallingEdge(dut.clk)
        dut.progress_i.value = 0
        dut.limit_i.value = limit
        for waited in range(min(limit, 80)):
            await ReadOnly()
            assert not dut.hang_o.value, (limit, waited)
            await FallingEdge(dut.clk)
        for _ in range(3):
            await ReadOnly()
            assert bool(dut.hang_o.value) == (0 < limit <= 80), limit
            await FallingEdge(dut.clk)
        if limit + 1 < 1 << bits:
            dut.limit_i.value = limit + 1  # a hang stopped the count
            await ReadOnly()
            assert bool(dut.hang_o.value) == (limit == 0), limit
            await FallingEdge(dut.clk)
        dut.limit_i.value = 1
        await ReadOnly()
        assert dut.hang_o.value
        await FallingEdge(dut.clk)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def test_long_limit(dut):
    """A count of many bits ends in the right cycle."""
    limit = min(1 << 18, (1 << len(dut.limit_i)) - 1)
    await start(dut, limit_i=limit, pending_i=1)
    begin = get_sim_time("ns")  # a falling edge: half a cycle before the first that counts
    await RisingEdge(dut.hang_o)
    assert get_sim_time("ns") - begin == (limit - 0.5) * PERIOD_NS
