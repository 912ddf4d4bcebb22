# SPDX-License-Identifier: Apache-2.0
"""sat_counters with wide increments, so that every bit of the high word moves."""

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng

COUNTERS, INC_W, MASK = 11, 40, (1 << 48) - 1


@cocotb.test()
async def test_high_word_belongs_to_latched_low_word(dut):
    rng = make_rng("increments")
    await start(dut)
    assert not dut.high_o.value.to_unsigned()
    counts, high, restarts = [0] * COUNTERS, 0, 0
    for _ in range(3000):
        steps = [int(rng.integers(0, 1 << INC_W)) for _ in range(COUNTERS)]
        select = int(rng.integers(COUNTERS))
        latch, restart = rng.random(2) < (0.3, 0.003)
        dut.increment_i.value = sum(step << INC_W * c for c, step in enumerate(steps))
        dut.select_i.value = select
        dut.latch_i.value = int(latch)
        dut.restart_i.value = int(restart)
        if latch:
            high = counts[select] >> 32
        counts = [((0 if restart else count) + step) & MASK for count, step in zip(counts, steps)]
        restarts += restart
        await FallingEdge(dut.clk)
        assert dut.low_o.value.to_unsigned() == counts[select] & 0xFFFFFFFF
        assert dut.high_o.value.to_unsigned() == high
    assert restarts and max(counts) >> 32
