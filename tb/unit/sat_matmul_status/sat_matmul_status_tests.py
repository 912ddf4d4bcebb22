# SPDX-License-Identifier: Apache-2.0
"""sat_matmul_status beside units that are idle, start, and are done at random times."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_busy_until_all_units_are_idle(dut):
    rng = make_rng("units")
    units, = parameters(dut, "UNITS")
    everyone = (1 << units) - 1
    await start(dut, idle_i=everyone)
    last = set()
    for _ in range(300):
        assert not dut.busy_o.value
        dut.start_i.value = 1
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        for _ in range(int(rng.integers(1, 10))):  # the plan: idle units are not the end
            assert dut.busy_o.value
            await FallingEdge(dut.clk)
        dut.work_i.value = 1
        await FallingEdge(dut.clk)
        dut.work_i.value = 0
        left = [int(cycles) for cycles in rng.integers(0, 12, units)]
        cycle = 0
        while True:
            assert dut.busy_o.value
            idle = sum(1 << unit for unit, cycles in enumerate(left) if cycle >= cycles)
            dut.idle_i.value = idle
            await FallingEdge(dut.clk)
            if idle == everyone:
                break
            cycle += 1
        last |= {unit for unit, cycles in enumerate(left) if cycles == max(left)}
        assert not dut.busy_o.value
        for _ in range(int(rng.integers(3))):
            await FallingEdge(dut.clk)
    assert len(last) == units


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_reset_ends_the_command(dut):
    await start(dut)
    for work in (0, 1):
        dut.start_i.value = 1
        await FallingEdge(dut.clk)
        dut.start_i.value, dut.work_i.value = 0, work
        await FallingEdge(dut.clk)
        dut.work_i.value, dut.rst_n.value = 0, 0
        await FallingEdge(dut.clk)
        assert not dut.busy_o.value
        dut.rst_n.value, dut.idle_i.value = 1, (1 << len(dut.idle_i)) - 1
        await FallingEdge(dut.clk)
        assert not dut.busy_o.value


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_progress_follows_every_move(dut):
    rng = make_rng("moves")
    await start(dut)
    for _ in range(300):
        moved = int(rng.choice([0, *(1 << bit for bit in range(len(dut.moved_i)))]))
        dut.moved_i.value = moved
        await FallingEdge(dut.clk)
        assert bool(dut.progress_o.value) == bool(moved)
