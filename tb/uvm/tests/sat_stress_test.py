# SPDX-License-Identifier: Apache-2.0
"""Everything in any order."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.stress_vseq import StressVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatStressTest(SatBaseTest):
    def sequence(self) -> StressVSeq:
        return StressVSeq(make_rng("stress"), rounds=24)
