# SPDX-License-Identifier: Apache-2.0
"""Agent of sat_wuve."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequencer

from tb.uvm.blocks.wuve.wuve_bfm import WuveBfm
from tb.uvm.blocks.wuve.wuve_driver import WuveDriver
from tb.uvm.blocks.wuve.wuve_monitor import WuveMonitor


class WuveAgent(uvm_agent):
    bfm: WuveBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = WuveMonitor.create("monitor", self)
        self.driver = WuveDriver.create("driver", self)
        self.sequencer = uvm_sequencer("sequencer", self)
        self.monitor.bfm = self.driver.bfm = self.bfm

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
