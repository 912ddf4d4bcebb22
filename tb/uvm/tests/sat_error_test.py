# SPDX-License-Identifier: Apache-2.0
"""Every error code with every command."""

from tb.common.rng import make_rng
from tb.uvm.seq_lib.error_matrix_vseq import ErrorMatrixVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class SatErrorTest(SatBaseTest):
    def sequence(self) -> ErrorMatrixVSeq:
        return ErrorMatrixVSeq(make_rng("error"))
