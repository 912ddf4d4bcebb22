# SPDX-License-Identifier: Apache-2.0
"""Random tiles through sat_wuve."""

from __future__ import annotations

import numpy as np

from tb.uvm.blocks.block_test import BlockTest
from tb.uvm.blocks.wuve.wuve_env import WuveEnv
from tb.uvm.blocks.wuve.wuve_random_seq import WuveRandomSeq


class WuveRandomTest(BlockTest):
    environment = WuveEnv

    def sequence(self, rng: np.random.Generator) -> WuveRandomSeq:
        return WuveRandomSeq(rng)
