# SPDX-License-Identifier: Apache-2.0
"""PRUNE with every N:M, sampled and not, and all that samples depend on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from sat_golden.defs import Opcode, PruneFlag
from sat_golden.sampling import WORD_MAX
from tb.top.random_program import LEGAL_NM, Program
from tb.uvm.seq_lib.draw import new_writer
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq

CARDS = list(product(LEGAL_NM, (0, PruneFlag.SRC_FP16)))
COLUMNS = 9  # kinds of them that NumericWriter's groups have


class SampleVSeq(SatBaseVSeq):
    """All in random order: a program for each kind of SEED and STEP."""

    async def body(self) -> None:
        for program in sample_programs(self.rng):
            await self.run(program, seed=program.seed, step=program.step)


def sample_programs(rng: np.random.Generator) -> Iterator[Program]:
    """Their samples have every kind of LAYER, and all matrices every class of groups."""
    keys = list(product(range(3), repeat=2))
    decks = {sample: rng.permutation(len(CARDS)) for sample in (0, PruneFlag.SAMPLE)}
    for number in rng.permutation(len(keys)):
        writer = new_writer(rng, chained=0.0)
        writer.numeric = "groups"
        for sample, deck in decks.items():
            for place, card in enumerate(deck[number :: len(keys)]):
                (n, m), source = CARDS[card]
                copies = PruneFlag.FF | int(rng.choice([0, PruneFlag.BP]))
                rows, cols = (int(x) for x in rng.integers([m, COLUMNS], [3 * m, 2 * COLUMNS]))
                writer.weights(Opcode.PRUNE, rows, cols, n, m, copies | source | sample, "groups")
                if sample:
                    writer.descriptors[-1] = replace(writer.descriptors[-1],
                                                     layer=a_word(rng, place % 3))
        seed, step = (a_word(rng, kind) for kind in keys[number])
        yield replace(writer.finish(), seed=seed, step=step)


def a_word(rng: np.random.Generator, kind: int) -> int:
    """32 bits: 0 none, 1 all, 2 any."""
    return (0, WORD_MAX, int(rng.integers(1, WORD_MAX)))[kind]
