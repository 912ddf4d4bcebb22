# SPDX-License-Identifier: Apache-2.0
"""sat_vector_status against its three equations, with resets."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_random_events(dut):
    rng = make_rng("events")
    await start(dut)
    busy, ended = False, 0
    seen: dict[str, set[int]] = {"idle_i": set(), "moved_i": set(), "special_i": set()}
    for _ in range(5000):
        event = {"rst_n": int(rng.random() > 0.01), "start_i": int(rng.random() < 0.1)}
        for name, few in (("idle_i", 0.8), ("moved_i", 0.2), ("special_i", 0.2)):
            bits = rng.random(len(dut[name])) < few
            event[name] = sum(1 << place for place, bit in enumerate(bits) if bit)
            seen[name].add(event[name])
        for name, value in event.items():
            dut[name].value = value
        await FallingEdge(dut.clk)
        idle = event["idle_i"] == (1 << len(dut.idle_i)) - 1
        ended += busy and idle and not event["start_i"]
        busy = bool(event["rst_n"] and (event["start_i"] or (busy and not idle)))
        assert bool(dut.busy_o.value) == busy
        assert bool(dut.progress_o.value) == bool(event["moved_i"])
        assert bool(dut.overflow_o.value) == bool(event["rst_n"] and event["special_i"])
    assert ended > 20
    assert all(len(values) == 1 << len(dut[name]) for name, values in seen.items())
