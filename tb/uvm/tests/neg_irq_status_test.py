# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong interrupt status."""

from sat.regs import IrqStatus, Reg
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegIrqStatusTest(SatNegativeTest):
    fires = ("IRQ",)

    def tamper_access(self, item: AxilItem) -> None:
        if not item.write and item.address == Reg.IRQ_STATUS:
            item.data ^= IrqStatus.ERROR
