# SPDX-License-Identifier: Apache-2.0
"""Samples and selections from groups of every class."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.sample_vseq import SampleVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatSampleTest(SatBaseTest):
    def sequence(self) -> SampleVSeq:
        return SampleVSeq(make_rng("sample"))
