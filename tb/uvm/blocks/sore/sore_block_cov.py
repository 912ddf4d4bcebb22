# SPDX-License-Identifier: Apache-2.0
"""Vectors that sat_sore met."""

from __future__ import annotations

from pyuvm import uvm_subscriber

from sat_golden.compress import LEGAL_M
from tb.uvm.blocks.sore.sore_agent_cfg import SoreAgentCfg
from tb.uvm.blocks.sore.sore_item import SoreItem
from tb.uvm.cov.commands import LEGAL_NM
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.program_cov import STALLS
from tb.uvm.cov.sore_cov import CASES, selection_cases

DIRECTIONS = ("ff", "bp")


class SoreBlockCov(uvm_subscriber):
    cfg: SoreAgentCfg
    model: CoverageModel

    @staticmethod
    def declare(model: CoverageModel) -> None:
        model.cross("cx_sore_block_nm_stall", LEGAL_NM, DIRECTIONS, STALLS)
        cases = [case for case in CASES if case != "partial_group"]  # vectors are whole
        model.cross("cx_sore_block_case", DIRECTIONS, sorted(LEGAL_M), cases,
                    unless=lambda direction, m, case: m == 2 and case == "tie_inside")

    def write(self, item: SoreItem) -> None:
        direction = DIRECTIONS[item.bp]
        self.model.hit("cx_sore_block_nm_stall", f"{item.n}:{item.m}", direction, self.cfg.stall)
        if item.n < item.m:
            for case in selection_cases(item.vector[:, None], item.n, item.m):
                self.model.hit("cx_sore_block_case", direction, item.m, case)
