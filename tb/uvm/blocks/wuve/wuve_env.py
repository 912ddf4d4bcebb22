# SPDX-License-Identifier: Apache-2.0
"""Environment of sat_wuve."""

from __future__ import annotations

from tb.uvm.blocks.block_env import BlockEnv
from tb.uvm.blocks.wuve.wuve_agent import WuveAgent
from tb.uvm.blocks.wuve.wuve_bfm import WuveBfm
from tb.uvm.blocks.wuve.wuve_block_cov import WuveBlockCov
from tb.uvm.blocks.wuve.wuve_predictor import WuvePredictor
from tb.uvm.cov.coverage_model import CoverageModel


class WuveEnv(BlockEnv):
    @staticmethod
    def declare(model: CoverageModel) -> None:
        WuveBlockCov.declare(model)

    def build_phase(self) -> None:
        super().build_phase()
        self.bfm = WuveBfm(self.dut, self.rng)
        self.agent = WuveAgent.create("agent", self)
        self.predictor = WuvePredictor.create("predictor", self)
        self.coverage = WuveBlockCov.create("coverage", self)
        self.agent.bfm = self.coverage.bfm = self.bfm
        self.coverage.model = self.model

    def connect_phase(self) -> None:
        self.agent.driver.ap.connect(self.predictor.analysis_export)
        self.agent.driver.ap.connect(self.coverage.analysis_export)
        self.agent.monitor.ap.connect(self.scoreboard.actual_export)
        self.predictor.ap.connect(self.scoreboard.expected_export)
        self.sequencer = self.agent.sequencer
        self.sequencer.bfm = self.bfm

    async def drained(self) -> None:
        await self.bfm.drained()
