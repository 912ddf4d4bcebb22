# SPDX-License-Identifier: Apache-2.0
"""A start, a clear and a reset in every state that lasts."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.interfere_vseq import Action
from tb.uvm.seq_lib.state_vseq import StateVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatStateTest(SatBaseTest):
    def sequence(self) -> StateVSeq:
        return StateVSeq(make_rng("state"), rounds=1, actions=list(Action))
