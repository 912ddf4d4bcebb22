# SPDX-License-Identifier: Apache-2.0
"""sat_skid_buffer keeps order, holds a waiting beat, and runs at one beat per cycle."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
@cocotb.parametrize(p_valid=[1.0, 0.5, 0.1], p_ready=[1.0, 0.5, 0.1])
async def test_random_traffic_keeps_order(dut, p_valid, p_ready):
    await start(dut)
    rng = make_rng("traffic")
    model: deque[int | None] = deque()
    fills: set[int] = set()
    taken, offered = 0, None
    for _ in range(2000):
        assert bool(dut.out_valid_o.value) == bool(model)
        assert bool(dut.in_ready_o.value) == (len(model) < 2)
        if model:
            assert dut.out_data_o.value.to_unsigned() == model[0]
        fills.add(len(model))
        # An offered beat stays until it is taken.
        if offered is None and rng.random() < p_valid:
            offered = int(rng.integers(1 << 16))
        ready = rng.random() < p_ready
        dut.in_valid_i.value = int(offered is not None)
        dut.in_data_i.value = offered or 0
        dut.out_ready_i.value = int(ready)
        accept = offered is not None and len(model) < 2
        if ready and model:
            model.popleft()
            taken += 1
        if accept:
            model.append(offered)
            offered = None
        await FallingEdge(dut.clk)
    if p_valid == p_ready == 1.0:
        assert taken == 1999
    assert taken and (2 in fills or p_ready == 1.0)


@cocotb.test()
async def test_reset_empties(dut):
    await start(dut, in_valid_i=1)
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    assert dut.out_valid_o.value and not dut.in_ready_o.value
    dut.rst_n.value = 0
    await FallingEdge(dut.clk)
    assert not dut.out_valid_o.value and dut.in_ready_o.value
