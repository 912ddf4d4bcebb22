# SPDX-License-Identifier: Apache-2.0
"""The monitor of the register port notices a response that changes, and one too many."""

from tb.uvm.agents.axil import axil_sample
from tb.uvm.agents.axil.axil_sample import AxilSample
from tb.uvm.env.sat_env_cfg import SatEnvCfg
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegAxilTest(SatNegativeTest):
    fires = ("AXIL_STABLE", "AXIL_UNASKED")

    def configure(self, cfg: SatEnvCfg) -> None:
        cfg.axil.tamper = self.tamper
        self.unasked = 0

    def tamper(self, sample: AxilSample) -> AxilSample:
        if sample.valid(axil_sample.R) and not sample.fire(axil_sample.R):
            sample.values["r"] ^= sample.cycle  # a new value each cycle
        elif not self.unasked and not sample.ctl & 0b0101010101 and not sample.in_reset:
            self.unasked = 1
            sample.ctl |= 3 << axil_sample.B
        return sample
