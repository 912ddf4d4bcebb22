# SPDX-License-Identifier: Apache-2.0
"""Small commands over N:M, numeric classes and stalls."""

from __future__ import annotations

from itertools import product

import numpy as np

from sat_golden import Windows
from sat_golden.defs import Opcode, StatsFlag
from tb.top.random_program import LEGAL_NM, MATMUL_FLAGS, flag_sets
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs, Stall
from tb.uvm.cov.commands import DENSE_COMMANDS, SPARSE_COMMANDS
from tb.uvm.seq_lib.draw import new_writer
from tb.uvm.seq_lib.numeric_writer import NumericWriter
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq

# Between them, these kinds of numbers hit every class.
KINDS = ("everything", "cancelling", "tiny", "huge")
CARDS = list(product(SPARSE_COMMANDS, LEGAL_NM, KINDS))
FEATURES = list(product(DENSE_COMMANDS, KINDS))
HAND = 16  # commands of a program
PROGRAMS = 2 * len(Stall)
HANDS = len(CARDS) // (HAND * PROGRAMS // len(Stall))  # seeds until all cards were played


class SweepVSeq(SatBaseVSeq):
    """Two programs under each stall class. Under each, HANDS consecutive seeds play every command
    with every N:M and kind of numbers; commands without N:M get around several times."""

    def __init__(self, rng: np.random.Generator, seed: int) -> None:
        super().__init__(rng)
        self.seed = seed

    async def body(self) -> None:
        # The order of the cards is the same for all seeds.
        order = np.random.default_rng(len(CARDS)).permutation(len(CARDS))
        dealt = order.reshape(HANDS, -1)[self.seed % HANDS]
        hands = dealt.reshape(-1, HAND)
        for stall in Stall:
            for number, hand in enumerate(hands):
                writer = new_writer(self.rng, chained=0.0)
                for card in hand:
                    self._play(writer, *CARDS[card])
                at = (self.seed * len(hands) + number) % len(FEATURES)
                self._play_feature(writer, *FEATURES[at])
                await self.run(writer.finish(), AxiMemKnobs.draw(self.rng, stall))

    def _play(self, writer: NumericWriter, command: str, nm: tuple[int, int], kind: str) -> None:
        """One command of a group or two along the reduction."""
        rng, (n, m) = self.rng, nm
        writer.numeric = kind
        along, across = int(rng.integers(m + 1, 2 * m + 2)), int(rng.integers(2, 8))
        flags = MATMUL_FLAGS[rng.integers(len(MATMUL_FLAGS))]
        if command == "MATMUL":
            writer.matmul(int(rng.integers(1, 6)), across, along, n, m, flags, kind)
        elif command == "CONV":
            side = int(rng.integers(1, 3))
            windows = Windows(1, side, 2, side, 2, kernel_h=int(rng.integers(1, 3)))
            writer.conv(windows, along, across, n, m, flags, kind)
        elif command == "PRUNE":
            writer.weights(Opcode.PRUNE, along, along, n, m,
                           int(rng.choice(flag_sets(Opcode.PRUNE))), kind)
        else:
            options = int(rng.integers(0, 4)) << 3
            writer.weights(Opcode.UPDATE, along, along, n, m, int(rng.integers(1, 4)) | options,
                           "ordinary")

    def _play_feature(self, writer: NumericWriter, command: str, kind: str) -> None:
        rng = self.rng
        writer.numeric = kind
        rows, cols, flags = (int(x) for x in (*rng.integers(3, 9, 2), rng.integers(4)))
        if command == "AFFINE":
            writer.affine(rows, cols, flags, kind)
        elif command == "STATS":
            writer.stats(rows, cols, flags & StatsFlag.SECOND, kind)
        else:
            windows = Windows.sliding(1, rows, 3, kernel_h=2, kernel_w=1, stride=2)
            winner = writer.pool(windows, cols, kind)
            if flags & 1:
                writer.pool_backward(windows.transposed(), cols, kind, winner)
