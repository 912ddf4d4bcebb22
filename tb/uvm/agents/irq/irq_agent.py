# SPDX-License-Identifier: Apache-2.0
"""Agent of the interrupt: passive, since the core alone drives it."""

from __future__ import annotations

from pyuvm import uvm_agent

from tb.uvm.agents.irq.irq_bfm import IrqBfm
from tb.uvm.agents.irq.irq_monitor import IrqMonitor


class IrqAgent(uvm_agent):
    bfm: IrqBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.monitor = IrqMonitor.create("monitor", self)
        self.monitor.bfm = self.bfm
