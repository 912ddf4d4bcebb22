# SPDX-License-Identifier: Apache-2.0
"""Interrupts."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.irq_vseq import IrqVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatIrqTest(SatBaseTest):
    def sequence(self) -> IrqVSeq:
        return IrqVSeq(make_rng("irq"))
