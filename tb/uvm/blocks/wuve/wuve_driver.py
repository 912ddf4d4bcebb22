# SPDX-License-Identifier: Apache-2.0
"""Sends tiles; publishes each before any of its results can leave."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_driver

from tb.uvm.blocks.wuve.wuve_bfm import WuveBfm


class WuveDriver(uvm_driver):
    """The operands cross the port as reads that the engine chooses: the tile as it was offered is
    what the predictor needs, so it comes from here and not from a monitor."""

    bfm: WuveBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            self.ap.write(item)
            await self.bfm.send(item)
            self.seq_item_port.item_done()
