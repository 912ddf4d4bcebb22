# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong response of the register port."""

from sat.regs import Reg
from tb.uvm.agents.axil.axil_item import SLVERR, AxilItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegResponseTest(SatNegativeTest):
    fires = ("RESPONSE",)

    def tamper_access(self, item: AxilItem) -> None:
        if item.write and item.address == Reg.PROG_LEN:
            item.response = SLVERR
