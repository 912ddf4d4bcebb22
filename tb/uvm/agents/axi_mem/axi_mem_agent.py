# SPDX-License-Identifier: Apache-2.0
"""Agent of the memory port (AXI4 slave)."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequencer

from tb.uvm.agents.axi_mem.axi_mem_cfg import AxiMemCfg
from tb.uvm.agents.axi_mem.axi_mem_driver import AxiMemDriver
from tb.uvm.agents.axi_mem.axi_mem_monitor import AxiMemMonitor
from tb.uvm.agents.axi_mem.axi_protocol_checker import AxiProtocolChecker


class AxiMemAgent(uvm_agent):
    """Monitor and protocol checker, and if active driver and sequencer."""

    cfg: AxiMemCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = AxiMemMonitor.create("monitor", self)
        self.checker = AxiProtocolChecker.create("checker", self)
        self.monitor.cfg = self.checker.cfg = self.cfg
        if self.active():
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = AxiMemDriver.create("driver", self)
            self.driver.cfg = self.cfg

    def connect_phase(self) -> None:
        self.monitor.sample_ap.connect(self.checker.analysis_export)
        if self.active():
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
