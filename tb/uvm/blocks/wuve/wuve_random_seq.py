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
    """For each mode, as many commands as there are kinds of numbers, so that each tile is of each
    kind; a few tiles more of any kind in some of them."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__("wuve_random_seq")
        self.rng = rng

    async def body(self) -> None:
        for mode in range(3):
            decks = {name: self.rng.permutation(KINDS)
                     for name in ("gradient", "velocity", "weight")}
            for kinds in zip(*decks.values()):
                await self._command(mode, dict(zip(decks, kinds)))

    async def _command(self, mode: int, kinds: dict[str, str]) -> None:
        scalars = self._scalars(mode)
        self.sequencer.bfm.p_stall = float(self.rng.choice([0.0, 0.3]))
        for _ in range(int(self.rng.integers(1, 4))):
            tiles = {name: self._tile(kind) for name, kind in kinds.items()}
            item = WuveItem(scalars, tiles, self._side(), self._side())
            await self.start_item(item)
            await self.finish_item(item)
            kinds = {name: str(self.rng.choice(KINDS)) for name in kinds}

    def _scalars(self, mode: int) -> Scalars:
        kind = str(self.rng.choice(NUMBERS))
        values = [int(bits) for bits in draw_numbers(self.rng, kind, 4, FP32_BITS)]
        return Scalars(mode > 0, *values[:3], decay=values[3] if mode == 2 else None)

    def _tile(self, kind: str) -> np.ndarray:
        if kind in MATRICES:
            return MATRICES[kind](self.rng, SIDE, SIDE, FP32_BITS)
        return draw_numbers(self.rng, kind, SIDE * SIDE, FP32_BITS).reshape(SIDE, SIDE)

    def _side(self) -> int:
        return int(self.rng.choice([1, SIDE, self.rng.integers(1, SIDE + 1)]))
