# SPDX-License-Identifier: Apache-2.0
"""The only code that touches the interrupt pin."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, RisingEdge, ValueChange

from tb.common.axi_memory import number


class IrqBfm:
    """The interrupt of the core: a level."""

    def __init__(self, dut) -> None:
        self._dut = dut

    @property
    def level(self) -> bool:
        return bool(self._dut.irq.value)

    @property
    def cycle(self) -> int:
        return number(self._dut.cycle_q)

    async def change(self) -> None:
        await ValueChange(self._dut.irq)

    async def wait_high(self) -> None:
        if not self.level:
            await RisingEdge(self._dut.irq)
        await FallingEdge(self._dut.aclk)
