# SPDX-License-Identifier: Apache-2.0
"""Random vectors through sat_sore."""

from __future__ import annotations

import numpy as np

from tb.uvm.blocks.block_test import BlockTest
from tb.uvm.blocks.sore.sore_env import SoreEnv
from tb.uvm.blocks.sore.sore_random_seq import SoreRandomSeq


class SoreRandomTest(BlockTest):
    environment = SoreEnv

    def sequence(self, rng: np.random.Generator) -> SoreRandomSeq:
        return SoreRandomSeq(rng, rounds=1)
