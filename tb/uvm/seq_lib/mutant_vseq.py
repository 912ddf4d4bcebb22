# SPDX-License-Identifier: Apache-2.0
"""Legal programs with one descriptor changed at random, and at the end perhaps a good one."""

from __future__ import annotations

import numpy as np

from tb.top.mutate import mutate
from tb.uvm.seq_lib.draw import draw_program
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class MutantVSeq(SatBaseVSeq):
    def __init__(self, rng: np.random.Generator, programs: int, most: int = 5,
                 limit: int = 20, good_end: bool = True) -> None:
        super().__init__(rng)
        self.programs, self.most, self.limit = programs, most, limit
        self.good_end = good_end

    async def body(self) -> None:
        for _ in range(self.programs):
            # Without results that are used again: else a changed `overlap` makes no sense.
            program = draw_program(self.rng, self.most, self.limit, chained=0.0)
            await self.run(mutate(self.rng, program))
        if self.good_end:
            await self.run(draw_program(self.rng, self.most, self.limit))
