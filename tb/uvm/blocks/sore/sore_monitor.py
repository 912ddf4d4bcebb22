# SPDX-License-Identifier: Apache-2.0
"""Watches both sides of sat_sore."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_monitor

from tb.uvm.blocks.sore.sore_agent_cfg import SoreAgentCfg


class SoreMonitor(uvm_monitor):
    """`item_ap`: vectors taken; `out_ap`: (direction, element) as they leave."""

    cfg: SoreAgentCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.item_ap = uvm_analysis_port("item_ap", self)
        self.out_ap = uvm_analysis_port("out_ap", self)

    async def run_phase(self) -> None:
        while True:
            item, elements = await self.cfg.bfm.sample()
            if item is not None:
                self.item_ap.write(item)
            for element in elements:
                self.out_ap.write(element)
