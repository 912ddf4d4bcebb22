# SPDX-License-Identifier: Apache-2.0
"""The scoreboard of sat_wuve fires."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_factory

from tb.uvm.blocks.block_test import BlockTest
from tb.uvm.blocks.wuve.wuve_env import WuveEnv
from tb.uvm.blocks.wuve.wuve_item import WuveItem
from tb.uvm.blocks.wuve.wuve_predictor import WuvePredictor
from tb.uvm.blocks.wuve.wuve_random_seq import WuveRandomSeq


class WrongLanePredictor(WuvePredictor):
    """Wrong in the least bit of one weight, and silent about velocities."""

    def results(self, item: WuveItem) -> dict[str, np.ndarray]:
        weights = super().results(item)["W"].copy()
        weights[3, 5] ^= 1
        return {"W": weights}


class NegWuveTest(BlockTest):
    environment = WuveEnv
    fires = frozenset({"VALUE", "SURPLUS"})

    def build_phase(self) -> None:
        uvm_factory().set_type_override_by_type(WuvePredictor, WrongLanePredictor)
        super().build_phase()

    def sequence(self, rng: np.random.Generator) -> WuveRandomSeq:
        return WuveRandomSeq(rng)
