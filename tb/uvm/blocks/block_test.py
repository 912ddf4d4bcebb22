# SPDX-License-Identifier: Apache-2.0
"""Base of the tests of the block environments."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import cocotb
import numpy as np
from pyuvm import uvm_sequence, uvm_test

from tb.common.clock import start
from tb.common.require import require
from tb.common.rng import make_rng
from tb.uvm.blocks.block_env import BlockEnv
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.sat_coverage import DEFAULT_DIR
from tb.uvm.tests.error_counter import ErrorCounter


class BlockTest(uvm_test):
    """Builds `environment`, resets, runs `sequence()`, waits until all has come out, and fails on
    any logged error. `fires` turns it into a negative test: errors of exactly these kinds."""

    environment: ClassVar[type[BlockEnv]]
    fires: ClassVar[frozenset[str]] = frozenset()

    def sequence(self, rng: np.random.Generator) -> uvm_sequence:
        raise NotImplementedError

    def build_phase(self) -> None:
        self.logger.info("%s, seed %d", type(self).__name__, cocotb.RANDOM_SEED)
        self.rng = make_rng(type(self).__name__)
        self.model = CoverageModel()
        self.environment.declare(self.model)
        self.env = self.environment.create("env", self)
        self.env.dut, self.env.rng, self.env.model = cocotb.top, self.rng, self.model

    def end_of_elaboration_phase(self) -> None:
        self.errors = ErrorCounter()
        self.add_logging_handler_hier(self.errors)

    async def run_phase(self) -> None:
        with self.objection():
            await start(cocotb.top)
            await self.sequence(self.rng).start(self.env.sequencer)
            await self.env.drained()

    def report_phase(self) -> None:
        if not self.fires:
            path = Path(os.environ.get("UVM_COVERAGE_DIR", DEFAULT_DIR))
            name, seed = type(self).__name__, cocotb.RANDOM_SEED
            self.model.save(path / f"{name}-{seed}.json", test=name, seed=seed)

    def final_phase(self) -> None:
        kinds = {message.split(":")[0] for message in self.errors.messages}
        require(kinds == self.fires, "%s instead of %s: %s", kinds, set(self.fires),
                self.errors.messages[:10])
        require(self.env.scoreboard.compared > 0, "nothing was compared")
