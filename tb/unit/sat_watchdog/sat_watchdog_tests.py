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


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def test_long_limit(dut):
    """A count of many bits ends in the right cycle."""
    limit = 1 << 20
    await start(dut, limit_i=limit, pending_i=1)
    begin = get_sim_time("ns")  # a falling edge: half a cycle before the first that counts
    await RisingEdge(dut.hang_o)
    assert get_sim_time("ns") - begin == (limit - 0.5) * PERIOD_NS
