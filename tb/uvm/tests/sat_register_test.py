# SPDX-License-Identifier: Apache-2.0
"""Registers."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.register_vseq import RegisterVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatRegisterTest(SatBaseTest):
    def sequence(self) -> RegisterVSeq:
        return RegisterVSeq(make_rng("register"))
