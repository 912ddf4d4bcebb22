# SPDX-License-Identifier: Apache-2.0
"""Watches the interrupt."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_monitor

from tb.uvm.agents.irq.irq_bfm import IrqBfm
from tb.uvm.agents.irq.irq_item import IrqItem


class IrqMonitor(uvm_monitor):
    """Publishes every change of the level."""

    bfm: IrqBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)

    async def run_phase(self) -> None:
        while True:
            await self.bfm.change()
            item = IrqItem(level=self.bfm.level, cycle=self.bfm.cycle)
            self.logger.debug("%s", item)
            self.ap.write(item)
