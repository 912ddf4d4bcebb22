# SPDX-License-Identifier: Apache-2.0
"""The scoreboard of sat_sore fires."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_factory

from tb.uvm.blocks.block_test import BlockTest
from tb.uvm.blocks.sore.sore_env import SoreEnv
from tb.uvm.blocks.sore.sore_item import SoreItem
from tb.uvm.blocks.sore.sore_predictor import SorePredictor
from tb.uvm.blocks.sore.sore_random_seq import SoreRandomSeq


class ReversedTiePredictor(SorePredictor):
    """Keeps the higher index of equal magnitudes, and expects one element too many at the end."""

    def write(self, item: SoreItem) -> None:
        groups = item.vector.reshape(-1, item.m)[:, ::-1]
        item.vector = groups.reshape(-1)
        super().write(item)

    def extract_phase(self) -> None:
        self.ap.write((0, None))


class NegSoreTest(BlockTest):
    environment = SoreEnv
    fires = frozenset({"VALUE", "MISSING"})

    def build_phase(self) -> None:
        uvm_factory().set_type_override_by_type(SorePredictor, ReversedTiePredictor)
        super().build_phase()

    def sequence(self, rng: np.random.Generator) -> SoreRandomSeq:
        return SoreRandomSeq(rng, rounds=1)
