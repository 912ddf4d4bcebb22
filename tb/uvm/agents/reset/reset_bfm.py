# SPDX-License-Identifier: Apache-2.0
"""Clock and reset: the only code that touches these pins."""

from __future__ import annotations

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge

from tb.common.axi_memory import number

PERIOD_NS = 10


class ResetBfm:
    """Starts the clock; the core is in reset until the first `pulse`."""

    def __init__(self, dut) -> None:
        self._dut = dut
        dut.aresetn.value = 0
        self._clock = Clock(dut.aclk, PERIOD_NS, unit="ns")
        self._clock.start()

    async def step(self, cycles: int) -> None:
        await ClockCycles(self._dut.aclk, cycles, FallingEdge)

    async def pulse(self, cycles: int) -> None:
        self._dut.aresetn.value = 0
        await self.step(cycles)
        self._dut.aresetn.value = 1
        await self.step(1)

    async def begins(self) -> int:
        """Waits for a reset of the running core; the sequencer's state in which it comes."""
        await FallingEdge(self._dut.aresetn)
        return number(self._dut.probe_state)
