# SPDX-License-Identifier: Apache-2.0
"""Random vectors under every N:M and every kind of stall."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_sequence

from sat_golden.stimulus import FP16_SPECIALS, ordinary_fp16, random_bits
from tb.top.random_program import LEGAL_NM
from tb.uvm.blocks.sore.sore_item import WIDTH, SoreItem

STALLS = ((1.0, 1.0), (0.3, 1.0), (1.0, 0.4), (0.4, 0.4))  # chances of valid and ready


class SoreRandomSeq(uvm_sequence):
    """`vectors` for each N:M and stall."""

    def __init__(self, rng: np.random.Generator, vectors: int) -> None:
        super().__init__("sore_random_seq")
        self.rng, self.vectors = rng, vectors

    async def body(self) -> None:
        cfg = self.sequencer.cfg
        for cfg.p_valid, cfg.p_ready in STALLS:
            for at in self.rng.permutation(len(LEGAL_NM)):
                for _ in range(self.vectors):
                    bp, last = self.rng.integers(0, 2, 2)
                    item = SoreItem(*LEGAL_NM[at], self._vector(), bool(bp), bool(last))
                    await self.start_item(item)
                    await self.finish_item(item)

    def _vector(self) -> np.ndarray:
        """Special values, any bits, few magnitudes, one magnitude, zeros, or ordinary numbers."""
        rng = self.rng
        few = rng.choice(np.array([0, 0x8000, 0x3C00, 0xBC00], np.uint16), WIDTH)
        return (
            lambda: rng.choice(FP16_SPECIALS, WIDTH),
            lambda: random_bits(rng, WIDTH, np.uint16),
            lambda: few,
            lambda: few & 0x8000 | 0x3C00,
            lambda: few & 0x8000,
            lambda: ordinary_fp16(rng, WIDTH),
        )[rng.integers(6)]()
