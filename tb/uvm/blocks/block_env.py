# SPDX-License-Identifier: Apache-2.0
"""Base of the block environments."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_env, uvm_sequencer

from tb.uvm.blocks.block_scoreboard import BlockScoreboard
from tb.uvm.cov.coverage_model import CoverageModel


class BlockEnv(uvm_env):
    """Holds the scoreboard; agent, `sequencer`, predictor and coverage are the block's."""

    dut: object
    sequencer: uvm_sequencer
    rng: np.random.Generator
    model: CoverageModel

    @staticmethod
    def declare(model: CoverageModel) -> None:
        """Names the cover points."""
        raise NotImplementedError

    def build_phase(self) -> None:
        super().build_phase()
        self.scoreboard = BlockScoreboard.create("scoreboard", self)

    async def drained(self) -> None:
        """Until nothing is inside the block any more."""
        raise NotImplementedError
