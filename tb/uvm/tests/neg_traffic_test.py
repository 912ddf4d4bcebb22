# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices writes outside the outputs and reads outside the operands."""

from tb.uvm.agents.axi_mem.axi_burst import AxiBurst
from tb.uvm.tests.sat_negative_test import SatNegativeTest

FAR = 1 << 19  # bytes: behind all tensors


class NegTrafficTest(SatNegativeTest):
    fires = ("TRAFFIC",)

    def tamper_burst(self, burst: AxiBurst) -> None:
        burst.address += FAR
