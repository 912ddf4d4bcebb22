# SPDX-License-Identifier: Apache-2.0
"""Watches the results of sat_wuve."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_monitor

from tb.uvm.blocks.wuve.wuve_bfm import WuveBfm


class WuveMonitor(uvm_monitor):
    bfm: WuveBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)

    async def run_phase(self) -> None:
        while True:
            result = await self.bfm.sample()
            if result is not None:
                self.ap.write(result)
