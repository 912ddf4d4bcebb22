# SPDX-License-Identifier: Apache-2.0
"""Clock and reset of a module bench.

Benches drive on falling edges: what they then read is what the next rising edge sees.
"""

from __future__ import annotations

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

PERIOD_NS = 10


async def start(dut, **inputs: int) -> None:
    """Gives the inputs a value (0 if not named), starts the clock, and resets if there is a reset.
    """
    for signal in dut:
        name = signal._name
        if name.endswith("_i"):
            signal.value = inputs.get(name, 0)
    has_reset = hasattr(dut, "rst_n")
    if has_reset:
        dut.rst_n.value = 0
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    for _ in range(3):
        await FallingEdge(dut.clk)
    if has_reset:
        dut.rst_n.value = 1
