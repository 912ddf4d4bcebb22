# SPDX-License-Identifier: Apache-2.0
"""Sizes at the edges of what the hardware takes at once."""

from __future__ import annotations

import numpy as np

from sat_golden.defs import Opcode
from tb.top.random_program import LEGAL_NM, MATMUL_FLAGS
from tb.uvm.cov.program_cov import VECTOR_TILE
from tb.uvm.seq_lib.draw import new_writer
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class EdgeVSeq(SatBaseVSeq):
    """Products around PE rows and columns, tiles, groups and chunks; weights around vector tiles.
    """

    def __init__(self, rng: np.random.Generator, programs: int) -> None:
        super().__init__(rng)
        self.programs = programs

    async def body(self) -> None:
        core, rng = self.sequencer.cfg.core, self.rng
        for _ in range(self.programs):
            writer = new_writer(rng, chained=0.0)
            for _ in range(4):
                n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
                i = self._near(core.rows, core.rows * core.t)
                j = self._near(core.cols, core.cols * core.t)
                k = self._near(m, core.chunk_k)
                writer.matmul(i, j, k, n, m, int(rng.choice(MATMUL_FLAGS)), "ordinary")
                opcode = Opcode.PRUNE if rng.random() < 0.5 else Opcode.UPDATE
                rows, cols = self._near(1, VECTOR_TILE), self._near(1, VECTOR_TILE)
                writer.weights(opcode, rows, cols, n, m, int(rng.integers(1, 4)), "ordinary")
            await self.run(writer.finish())

    def _near(self, *units: int) -> int:
        """At, or one beside, a small multiple of a unit."""
        unit = int(self.rng.choice(units))
        return max(1, unit * int(self.rng.integers(1, 4)) + int(self.rng.integers(-1, 2)))
