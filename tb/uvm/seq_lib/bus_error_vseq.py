# SPDX-License-Identifier: Apache-2.0
"""SLVERR and DECERR from places of a program's tensors and descriptors."""

from __future__ import annotations

import numpy as np

from tb.top.error_region import draw_region
from tb.uvm.seq_lib.draw import draw_program
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class BusErrorVSeq(SatBaseVSeq):
    def __init__(self, rng: np.random.Generator, programs: int, most: int = 6,
                 limit: int = 24, good_end: bool = True) -> None:
        super().__init__(rng)
        self.programs, self.most, self.limit = programs, most, limit
        self.good_end = good_end

    async def body(self) -> None:
        for _ in range(self.programs):
            program = draw_program(self.rng, self.most, self.limit)
            await self.run(program, errors=[draw_region(self.rng, program)])
        if self.good_end:
            await self.run(draw_program(self.rng, self.most, self.limit))
