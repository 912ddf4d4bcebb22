# SPDX-License-Identifier: Apache-2.0
"""Agent of sat_array."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequencer

from tb.uvm.blocks.array.array_bfm import ArrayBfm
from tb.uvm.blocks.array.array_driver import ArrayDriver
from tb.uvm.blocks.array.array_monitor import ArrayMonitor


class ArrayAgent(uvm_agent):
    bfm: ArrayBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = ArrayMonitor.create("monitor", self)
        self.driver = ArrayDriver.create("driver", self)
        self.sequencer = uvm_sequencer("sequencer", self)
        self.monitor.bfm = self.driver.bfm = self.bfm

    def connect_phase(self) -> None:
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
