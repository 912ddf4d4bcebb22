# SPDX-License-Identifier: Apache-2.0
"""Small commands over N:M, numeric classes and stalls."""

import cocotb

from tb.common.rng import make_rng
from tb.uvm.seq_lib.sweep_vseq import SweepVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatSweepTest(SatBaseTest):
    def sequence(self) -> SweepVSeq:
        return SweepVSeq(make_rng("sweep"), cocotb.RANDOM_SEED)
