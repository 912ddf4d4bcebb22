# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong counter."""

from sat.regs import Reg
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegCounterTest(SatNegativeTest):
    fires = ("COUNTER",)

    def tamper_access(self, item: AxilItem) -> None:
        if not item.write and item.address == Reg.BYTES_READ_LO:
            item.data ^= 1 << 4
