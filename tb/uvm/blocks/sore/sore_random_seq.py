# SPDX-License-Identifier: Apache-2.0
"""Random vectors under every N:M and every kind of stall."""

from __future__ import annotations

from itertools import product

import numpy as np
from pyuvm import uvm_sequence

from sat_golden.stimulus import FP16_SPECIALS, ordinary_fp16, random_bits
from tb.top.random_program import LEGAL_NM
from tb.uvm.blocks.sore.sore_item import WIDTH, SoreItem

STALLS = ((1.0, 1.0), (0.3, 1.0), (1.0, 0.4), (0.4, 0.4))  # chances of valid and ready


class SoreRandomSeq(uvm_sequence):
    """For each N:M and stall `rounds` vectors of every kind, in both directions."""

    def __init__(self, rng: np.random.Generator, rounds: int) -> None:
        super().__init__("sore_random_seq")
        self.rng, self.rounds = rng, rounds

    async def body(self) -> None:
        cfg, rng = self.sequencer.cfg, self.rng
        cases = list(product((False, True), KINDS)) * self.rounds
        for cfg.p_valid, cfg.p_ready in STALLS:
            for at in rng.permutation(len(LEGAL_NM)):
                for case in rng.permutation(len(cases)):
                    bp, draw = cases[case]
                    item = SoreItem(*LEGAL_NM[at], draw(rng), bp, bool(rng.integers(2)))
                    await self.start_item(item)
                    await self.finish_item(item)


def few(rng: np.random.Generator) -> np.ndarray:
    """Zero and one, of both signs."""
    return rng.choice(np.array([0, 0x8000, 0x3C00, 0xBC00], np.uint16), WIDTH)


KINDS = (
    lambda rng: rng.choice(FP16_SPECIALS, WIDTH),
    lambda rng: random_bits(rng, WIDTH, np.uint16),
    few,
    lambda rng: few(rng) & 0x8000 | 0x3C00,
    lambda rng: few(rng) & 0x8000,
    lambda rng: ordinary_fp16(rng, WIDTH),
)
