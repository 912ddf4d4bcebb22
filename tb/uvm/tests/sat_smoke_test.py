# SPDX-License-Identifier: Apache-2.0
"""Smoke test."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.smoke_vseq import SmokeVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatSmokeTest(SatBaseTest):
    def sequence(self) -> SmokeVSeq:
        return SmokeVSeq(make_rng("smoke"))
