# SPDX-License-Identifier: Apache-2.0
"""The scoreboard of sat_array fires."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_factory

from tb.uvm.blocks.array.array_env import ArrayEnv
from tb.uvm.blocks.array.array_predictor import ArrayPredictor
from tb.uvm.blocks.array.array_random_seq import ArrayRandomSeq
from tb.uvm.blocks.block_test import BlockTest


class WrongSumPredictor(ArrayPredictor):
    """Wrong in the least bit of one sum per tile, and one tile short."""

    def build_phase(self) -> None:
        super().build_phase()
        self._tiles = 0

    def _publish(self, tile: np.ndarray) -> None:
        self._tiles += 1
        if self._tiles > 1:
            tile[-1, -1] ^= 1
            super()._publish(tile)


class NegArrayTest(BlockTest):
    environment = ArrayEnv
    fires = frozenset({"VALUE", "SURPLUS"})

    def build_phase(self) -> None:
        uvm_factory().set_type_override_by_type(ArrayPredictor, WrongSumPredictor)
        super().build_phase()

    def sequence(self, rng: np.random.Generator) -> ArrayRandomSeq:
        return ArrayRandomSeq(rng, streams=3)
