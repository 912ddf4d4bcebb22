# SPDX-License-Identifier: Apache-2.0
"""Performs register accesses."""

from __future__ import annotations

from pyuvm import uvm_driver

from tb.uvm.agents.axil.axil_cfg import AxilCfg


class AxilDriver(uvm_driver):
    """One access after the other; the sequence finds the answer in its item."""

    cfg: AxilCfg

    async def run_phase(self) -> None:
        self.cfg.bfm.set_stall(self.cfg.stall)
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.cfg.bfm.transfer(item)
            self.logger.debug("%s", item)
            self.seq_item_port.item_done()
