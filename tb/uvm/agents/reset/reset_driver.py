# SPDX-License-Identifier: Apache-2.0
"""Resets the core."""

from __future__ import annotations

from pyuvm import uvm_driver

from tb.uvm.agents.reset.reset_bfm import ResetBfm


class ResetDriver(uvm_driver):
    bfm: ResetBfm

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.bfm.pulse(item.cycles)
            self.seq_item_port.item_done()
