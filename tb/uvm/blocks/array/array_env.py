# SPDX-License-Identifier: Apache-2.0
"""Environment of sat_array."""

from __future__ import annotations

from tb.uvm.blocks.array.array_agent import ArrayAgent
from tb.uvm.blocks.array.array_bfm import ArrayBfm
from tb.uvm.blocks.array.array_block_cov import ArrayBlockCov
from tb.uvm.blocks.array.array_predictor import ArrayPredictor
from tb.uvm.blocks.block_env import BlockEnv
from tb.uvm.cov.coverage_model import CoverageModel


class ArrayEnv(BlockEnv):
    @staticmethod
    def declare(model: CoverageModel) -> None:
        ArrayBlockCov.declare(model)

    def build_phase(self) -> None:
        super().build_phase()
        self.bfm = ArrayBfm(self.dut)
        self.agent = ArrayAgent.create("agent", self)
        self.predictor = ArrayPredictor.create("predictor", self)
        self.coverage = ArrayBlockCov.create("coverage", self)
        self.agent.bfm = self.predictor.bfm = self.bfm
        self.coverage.model = self.model

    def connect_phase(self) -> None:
        self.agent.monitor.beat_ap.connect(self.predictor.analysis_export)
        self.agent.monitor.result_ap.connect(self.scoreboard.actual_export)
        self.predictor.ap.connect(self.scoreboard.expected_export)
        self.predictor.fed_ap.connect(self.coverage.analysis_export)
        self.sequencer = self.agent.sequencer
        self.sequencer.bfm = self.bfm

    async def drained(self) -> None:
        await self.bfm.drained()
