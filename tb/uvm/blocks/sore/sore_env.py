# SPDX-License-Identifier: Apache-2.0
"""Environment of sat_sore."""

from __future__ import annotations

from tb.uvm.blocks.block_env import BlockEnv
from tb.uvm.blocks.sore.sore_agent import SoreAgent
from tb.uvm.blocks.sore.sore_agent_cfg import SoreAgentCfg
from tb.uvm.blocks.sore.sore_bfm import SoreBfm
from tb.uvm.blocks.sore.sore_block_cov import SoreBlockCov
from tb.uvm.blocks.sore.sore_predictor import SorePredictor
from tb.uvm.cov.coverage_model import CoverageModel


class SoreEnv(BlockEnv):
    @staticmethod
    def declare(model: CoverageModel) -> None:
        SoreBlockCov.declare(model)

    def build_phase(self) -> None:
        super().build_phase()
        self.cfg = SoreAgentCfg(SoreBfm(self.dut, self.rng), self.rng)
        self.agent = SoreAgent.create("agent", self)
        self.predictor = SorePredictor.create("predictor", self)
        self.coverage = SoreBlockCov.create("coverage", self)
        self.agent.cfg = self.coverage.cfg = self.cfg
        self.coverage.model = self.model

    def connect_phase(self) -> None:
        # The prediction comes before the coverage, and before any element can leave.
        self.agent.monitor.item_ap.connect(self.predictor.analysis_export)
        self.agent.monitor.item_ap.connect(self.coverage.analysis_export)
        self.agent.monitor.out_ap.connect(self.scoreboard.actual_export)
        self.predictor.ap.connect(self.scoreboard.expected_export)
        self.sequencer = self.agent.sequencer
        self.sequencer.cfg = self.cfg

    async def drained(self) -> None:
        await self.cfg.bfm.drained()
