# SPDX-License-Identifier: Apache-2.0
"""Sends vectors, with gaps, and takes elements, with gaps."""

from __future__ import annotations

import cocotb
from pyuvm import uvm_driver

from tb.uvm.blocks.sore.sore_agent_cfg import SoreAgentCfg


class SoreDriver(uvm_driver):
    cfg: SoreAgentCfg

    async def run_phase(self) -> None:
        cocotb.start_soon(self.cfg.bfm.sink(lambda: self.cfg.p_ready))
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.cfg.bfm.wait(self.cfg.gap())
            await self.cfg.bfm.send(item)
            self.seq_item_port.item_done()
