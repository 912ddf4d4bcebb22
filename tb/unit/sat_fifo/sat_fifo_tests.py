# SPDX-License-Identifier: Apache-2.0
"""sat_fifo against a Python deque, cycle by cycle."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng


async def check(dut, p_valid, p_ready, p_flush=0.0, cycles=2000):
    """Random traffic with the given chances per cycle; returns the fills seen."""
    rng = make_rng(f"{p_valid} {p_ready}")
    depth = 1 << (len(dut.count_o) - 1)
    model: deque[int | None] = deque()
    fills: set[int] = set()
    taken, offered = 0, None
    for _ in range(cycles):
        assert dut.count_o.value.to_unsigned() == len(model)
        assert bool(dut.in_ready_o.value) == (len(model) < depth)
        assert bool(dut.out_valid_o.value) == bool(model)
        if model:
            assert dut.out_data_o.value.to_unsigned() == model[0]
        fills.add(len(model))
        valid, ready, flush = rng.random(3) < (p_valid, p_ready, p_flush)
        # An offered beat stays until it is taken, or lost in a flush.
        if offered is None and valid:
            offered = int(rng.integers(1 << 16))
        dut.in_valid_i.value = int(offered is not None)
        dut.in_data_i.value = offered or 0
        dut.out_ready_i.value = int(ready)
        dut.flush_i.value = int(flush)
        push = offered is not None and len(model) < depth
        if ready and model:
            model.popleft()
            taken += 1
        if push:
            model.append(offered)
            offered = None
        if flush:
            model.clear()
            offered = None
        await FallingEdge(dut.clk)
    assert taken
    return fills, taken


@cocotb.test()
@cocotb.parametrize(p_valid=[1.0, 0.5, 0.1], p_ready=[1.0, 0.5, 0.1])
async def test_random_traffic_keeps_order(dut, p_valid, p_ready):
    await start(dut)
    fills, taken = await check(dut, p_valid, p_ready)
    if p_valid > p_ready:
        assert 1 << (len(dut.count_o) - 1) in fills, "was never full"
    if p_valid == p_ready == 1.0:
        assert taken >= 1999, "does not run at one beat per cycle"


@cocotb.test()
async def test_flush_empties(dut):
    await start(dut)
    await check(dut, 0.7, 0.5, p_flush=0.05)
