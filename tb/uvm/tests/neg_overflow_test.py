# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong overflow flag."""

from sat.regs import Reg, Status
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegOverflowTest(SatNegativeTest):
    fires = ("OVERFLOW",)

    def tamper_access(self, item: AxilItem) -> None:
        if not item.write and item.address == Reg.STATUS:
            item.data ^= Status.OVERFLOW
