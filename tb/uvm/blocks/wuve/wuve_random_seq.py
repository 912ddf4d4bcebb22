# SPDX-License-Identifier: Apache-2.0
"""Random tiles in every mode, with and without stalls."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_sequence

from tb.top.random_program import NUMBERS, draw_numbers
from tb.uvm.blocks.wuve.wuve_item import SIDE, Scalars, WuveItem
from tb.uvm.seq_lib.numeric_writer import MATRICES

FP32_BITS = 32
KINDS = (*NUMBERS, *MATRICES)


class WuveRandomSeq(uvm_sequence):
    """`commands` of a few tiles each."""

    def __init__(self, rng: np.random.Generator, commands: int) -> None:
        super().__init__("wuve_random_seq")
        self.rng, self.commands = rng, commands

    async def body(self) -> None:
        for command in range(self.commands):
            scalars = self._scalars(command % 3)
            self.sequencer.bfm.p_stall = float(self.rng.choice([0.0, 0.3]))
            for _ in range(int(self.rng.integers(1, 4))):
                tiles = {name: self._tile() for name in ("gradient", "velocity", "weight")}
                item = WuveItem(scalars, tiles, self._side(), self._side())
                await self.start_item(item)
                await self.finish_item(item)

    def _scalars(self, mode: int) -> Scalars:
        kind = str(self.rng.choice(NUMBERS))
        values = [int(bits) for bits in draw_numbers(self.rng, kind, 4, FP32_BITS)]
        return Scalars(mode > 0, *values[:3], decay=values[3] if mode == 2 else None)

    def _tile(self) -> np.ndarray:
        kind = str(self.rng.choice(KINDS))
        if kind in MATRICES:
            return MATRICES[kind](self.rng, SIDE, SIDE, FP32_BITS)
        return draw_numbers(self.rng, kind, SIDE * SIDE, FP32_BITS).reshape(SIDE, SIDE)

    def _side(self) -> int:
        return int(self.rng.choice([1, SIDE, self.rng.integers(1, SIDE + 1)]))
