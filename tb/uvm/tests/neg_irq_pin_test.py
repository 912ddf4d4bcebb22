# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices an interrupt that does not come."""

from tb.uvm.agents.irq.irq_item import IrqItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegIrqPinTest(SatNegativeTest):
    fires = ("IRQ",)

    def tamper_irq(self, item: IrqItem) -> None:
        item.level = False
