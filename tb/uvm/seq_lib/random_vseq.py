# SPDX-License-Identifier: Apache-2.0
"""Random programs, one after the other."""

from __future__ import annotations

import numpy as np

from tb.uvm.seq_lib.draw import draw_program
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class RandomVSeq(SatBaseVSeq):
    """`programs` of 1..`most` commands with sides up to `limit`."""

    def __init__(self, rng: np.random.Generator, programs: int, most: int = 40,
                 limit: int = 40) -> None:
        super().__init__(rng)
        self.programs, self.most, self.limit = programs, most, limit

    async def body(self) -> None:
        for _ in range(self.programs):
            await self.run(draw_program(self.rng, self.most, self.limit))
