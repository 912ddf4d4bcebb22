# SPDX-License-Identifier: Apache-2.0
"""Watches the reset."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_monitor

from tb.uvm.agents.reset.reset_bfm import ResetBfm
from tb.uvm.agents.reset.reset_item import ResetItem


class ResetMonitor(uvm_monitor):
    """Publishes every reset of the running core when it begins (not the one at power-up)."""

    bfm: ResetBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)

    async def run_phase(self) -> None:
        while True:
            item = ResetItem(state=await self.bfm.begins())
            self.logger.debug("%s", item)
            self.ap.write(item)
