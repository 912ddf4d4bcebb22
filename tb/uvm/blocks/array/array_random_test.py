# SPDX-License-Identifier: Apache-2.0
"""Random streams through sat_array."""

from __future__ import annotations

import numpy as np

from tb.uvm.blocks.array.array_env import ArrayEnv
from tb.uvm.blocks.array.array_random_seq import ArrayRandomSeq
from tb.uvm.blocks.block_test import BlockTest


class ArrayRandomTest(BlockTest):
    environment = ArrayEnv

    def sequence(self, rng: np.random.Generator) -> ArrayRandomSeq:
        return ArrayRandomSeq(rng, streams=18)
