# SPDX-License-Identifier: Apache-2.0
"""Agent of the register port (AXI4-Lite master)."""

from __future__ import annotations

from pyuvm import uvm_agent, uvm_sequencer

from tb.uvm.agents.axil.axil_cfg import AxilCfg
from tb.uvm.agents.axil.axil_driver import AxilDriver
from tb.uvm.agents.axil.axil_monitor import AxilMonitor


class AxilAgent(uvm_agent):
    """Monitor, and if active driver and sequencer."""

    cfg: AxilCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = AxilMonitor.create("monitor", self)
        self.monitor.cfg = self.cfg
        if self.active():
            self.sequencer = uvm_sequencer("sequencer", self)
            self.driver = AxilDriver.create("driver", self)
            self.driver.cfg = self.cfg

    def connect_phase(self) -> None:
        if self.active():
            self.driver.seq_item_port.connect(self.sequencer.seq_item_export)
