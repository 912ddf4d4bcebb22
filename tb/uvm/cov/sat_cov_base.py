# SPDX-License-Identifier: Apache-2.0
"""Base of the coverage collectors."""

from __future__ import annotations

from pyuvm import uvm_subscriber

from sat.config import SatConfig
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.env.sat_env_cfg import SatEnvCfg


class SatCovBase(uvm_subscriber):
    """`declare` names the points and bins, `write` hits them."""

    cfg: SatEnvCfg
    model: CoverageModel

    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        raise NotImplementedError
