# SPDX-License-Identifier: Apache-2.0
"""Good programs, bad ones, bus errors, hangs, resets, clears and starts, in any order."""

from __future__ import annotations

import numpy as np

from tb.uvm.seq_lib.bus_error_vseq import BusErrorVSeq
from tb.uvm.seq_lib.hang_vseq import HangVSeq
from tb.uvm.seq_lib.interfere_vseq import Action, InterfereVSeq
from tb.uvm.seq_lib.mutant_vseq import MutantVSeq
from tb.uvm.seq_lib.random_vseq import RandomVSeq
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class StressVSeq(SatBaseVSeq):
    def __init__(self, rng: np.random.Generator, rounds: int) -> None:
        super().__init__(rng)
        self.rounds = rounds

    async def body(self) -> None:
        makers = (
            lambda: RandomVSeq(self.rng, programs=1, most=8, limit=20),
            lambda: MutantVSeq(self.rng, programs=1, good_end=False),
            lambda: BusErrorVSeq(self.rng, programs=1, good_end=False),
            lambda: HangVSeq(self.rng, rounds=1),
            lambda: InterfereVSeq(self.rng, rounds=1, actions=list(Action)),
            lambda: InterfereVSeq(self.rng, rounds=1, actions=[Action.CLEAR, Action.RESET]),
        )
        for _ in range(self.rounds):
            await makers[self.rng.integers(len(makers))]().start(self.sequencer)
