# SPDX-License-Identifier: Apache-2.0
"""Agent of clock and reset."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequencer

from tb.uvm.agents.reset.reset_bfm import ResetBfm
from tb.uvm.agents.reset.reset_driver import ResetDriver
from tb.uvm.agents.reset.reset_monitor import ResetMonitor


class ResetAgent(uvm_agent):
    bfm: ResetBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = ResetMonitor.create("monitor", self)
        self.monitor.bfm = self.bfm
        if self.active():
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = ResetDriver.create("driver", self)
            self.driver.bfm = self.bfm

    def connect_phase(self) -> None:
        if self.active():
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
