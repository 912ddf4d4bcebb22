# SPDX-License-Identifier: Apache-2.0
"""Every end of a run after every other."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.succession_vseq import SuccessionVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatSuccessionTest(SatBaseTest):
    def sequence(self) -> SuccessionVSeq:
        return SuccessionVSeq(make_rng("succession"))
