# SPDX-License-Identifier: Apache-2.0
"""The register sequences notice a register that holds another value than it reads."""

from tb.common.rng import make_rng
from tb.uvm.env.sat_env_cfg import SatEnvCfg
from tb.uvm.seq_lib.register_vseq import RegisterVSeq
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegRalTest(SatNegativeTest):
    fires = ("RAL",)

    def configure(self, cfg: SatEnvCfg) -> None:
        cfg.ral.SCRATCH.backdoor = lambda: 1

    def sequence(self) -> RegisterVSeq:
        return RegisterVSeq(make_rng("ral"))
