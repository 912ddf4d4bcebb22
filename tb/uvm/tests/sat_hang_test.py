# SPDX-License-Identifier: Apache-2.0
"""The memory falls silent."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.hang_vseq import HangVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatHangTest(SatBaseTest):
    def sequence(self) -> HangVSeq:
        return HangVSeq(make_rng("hang"), rounds=10)
