# SPDX-License-Identifier: Apache-2.0
"""Products that do not fit the scratchpads."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.large_vseq import LargeVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatLargeTest(SatBaseTest):
    def sequence(self) -> LargeVSeq:
        return LargeVSeq(make_rng("large"), rounds=1)
