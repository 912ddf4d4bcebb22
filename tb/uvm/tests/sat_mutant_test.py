# SPDX-License-Identifier: Apache-2.0
"""Programs with a descriptor changed at random."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.mutant_vseq import MutantVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatMutantTest(SatBaseTest):
    def sequence(self) -> MutantVSeq:
        return MutantVSeq(make_rng("mutant"), programs=20)
