# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong error register."""

from sat.regs import Reg
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegErrorTest(SatNegativeTest):
    fires = ("ERROR",)

    def tamper_access(self, item: AxilItem) -> None:
        if not item.write and item.address == Reg.ERR_INDEX:
            item.data ^= 1 << 2
