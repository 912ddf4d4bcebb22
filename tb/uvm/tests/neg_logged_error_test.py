# SPDX-License-Identifier: Apache-2.0
"""A logged error fails a test, and so does a test that compares nothing."""

from tb.common.require import require
from tb.common.rng import make_rng
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq
from tb.uvm.tests.sat_base_test import SatBaseTest


class IdleVSeq(SatBaseVSeq):
    async def body(self) -> None:
        self.sequencer.logger.error("LOGGED: on purpose")


class NegLoggedErrorTest(SatBaseTest):
    def sequence(self) -> IdleVSeq:
        return IdleVSeq(make_rng("logged error"))

    def judge(self, errors: list[str]) -> None:
        require(errors == ["LOGGED: on purpose"], "logged: %s", errors)
        for case in (errors, []):
            try:
                super().judge(case)
            except AssertionError:
                continue
            raise RuntimeError(f"the test passes with {case}")
