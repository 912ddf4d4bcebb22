# SPDX-License-Identifier: Apache-2.0
"""Sets the memory up."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_driver

from tb.uvm.agents.axi_mem.axi_mem_cfg import AxiMemCfg


class AxiMemDriver(uvm_driver):
    """Applies the items; `ap` publishes each when it holds. The responses to the core are the
    BFM's."""

    cfg: AxiMemCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            self.cfg.bfm.apply(item)
            self.logger.debug("%s", item)
            self.ap.write(item)
            self.seq_item_port.item_done()
