# SPDX-License-Identifier: Apache-2.0
"""Sizes at the edges of what the hardware takes at once."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.edge_vseq import EdgeVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatEdgeTest(SatBaseTest):
    def sequence(self) -> EdgeVSeq:
        return EdgeVSeq(make_rng("edge"), rounds=1)
