# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong bit of another register."""

from sat.regs import Reg
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegRegisterTest(SatNegativeTest):
    fires = ("REGISTER",)

    def tamper_access(self, item: AxilItem) -> None:
        if not item.write and item.address == Reg.CAPS0:
            item.data ^= 1
