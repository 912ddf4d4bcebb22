# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong bit of STATUS."""

from sat.regs import Reg, Status
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegStatusTest(SatNegativeTest):
    fires = ("STATUS",)

    def tamper_access(self, item: AxilItem) -> None:
        if not item.write and item.address == Reg.STATUS:
            item.data ^= Status.DONE
