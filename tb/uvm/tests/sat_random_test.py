# SPDX-License-Identifier: Apache-2.0
"""Random programs."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.random_vseq import RandomVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatRandomTest(SatBaseTest):
    def sequence(self) -> RandomVSeq:
        return RandomVSeq(make_rng("random"), programs=6)
