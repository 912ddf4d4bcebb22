# SPDX-License-Identifier: Apache-2.0
"""Agent of sat_sore."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequencer

from tb.uvm.blocks.sore.sore_agent_cfg import SoreAgentCfg
from tb.uvm.blocks.sore.sore_driver import SoreDriver
from tb.uvm.blocks.sore.sore_monitor import SoreMonitor


class SoreAgent(uvm_agent):
    cfg: SoreAgentCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = SoreMonitor.create("monitor", self)
        self.monitor.cfg = self.cfg
        if self.active():
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = SoreDriver.create("driver", self)
            self.driver.cfg = self.cfg

    def connect_phase(self) -> None:
        if self.active():
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
