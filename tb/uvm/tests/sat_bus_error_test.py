# SPDX-License-Identifier: Apache-2.0
"""Bus errors anywhere."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.bus_error_vseq import BusErrorVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatBusErrorTest(SatBaseTest):
    def sequence(self) -> BusErrorVSeq:
        return BusErrorVSeq(make_rng("bus error"), programs=16)
