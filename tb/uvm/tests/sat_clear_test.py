# SPDX-License-Identifier: Apache-2.0
"""A clear at any time."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.interfere_vseq import Action, InterfereVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatClearTest(SatBaseTest):
    def sequence(self) -> InterfereVSeq:
        return InterfereVSeq(make_rng("clear"), rounds=16, actions=[Action.CLEAR])
