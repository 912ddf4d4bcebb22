# SPDX-License-Identifier: Apache-2.0
"""A reset at any time."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.interfere_vseq import Action, InterfereVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatResetTest(SatBaseTest):
    def sequence(self) -> InterfereVSeq:
        return InterfereVSeq(make_rng("reset"), rounds=16, actions=[Action.RESET])
