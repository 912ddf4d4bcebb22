# SPDX-License-Identifier: Apache-2.0
"""Commands that are large in some direction, for both engines, on a memory that is slow somewhere.
"""

from __future__ import annotations

import numpy as np

from sat_golden.defs import MatmulFlag, Opcode
from tb.top.random_program import LEGAL_NM, MATMUL_FLAGS
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs, Latency, Stall
from tb.uvm.seq_lib.draw import new_writer
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq

# Ranges of I, J, K: long, tall, wide and bulky. They do not fit the scratchpads.
SHAPES = (((1, 6), (1, 6), (300, 700)), ((60, 160), (1, 8), (8, 40)), ((1, 8), (60, 160), (8, 40)),
          ((20, 40), (20, 40), (20, 60)))


class LargeVSeq(SatBaseVSeq):
    def __init__(self, rng: np.random.Generator, programs: int) -> None:
        super().__init__(rng)
        self.programs = programs

    async def body(self) -> None:
        for _ in range(self.programs):
            writer = new_writer(self.rng, chained=0.0)
            # A bias so long that it takes the longest bursts.
            writer.matmul(2, int(self.rng.integers(520, 600)), 3, 1, 2, MatmulFlag.BIAS, "ordinary")
            for _ in range(2):
                shape = SHAPES[self.rng.integers(len(SHAPES))]
                i, j, k = (int(self.rng.integers(low, high)) for low, high in shape)
                n, m = LEGAL_NM[self.rng.integers(len(LEGAL_NM))]
                flags = int(self.rng.choice(MATMUL_FLAGS))
                writer.matmul(i, j, k, n, m, flags, "ordinary")
                rows, cols = (int(x) for x in self.rng.integers(30, 70, 2))
                writer.weights(Opcode.UPDATE, rows, cols, n, m, 3, "ordinary")
            writer.affine(3, int(self.rng.integers(200, 400)), 0, "ordinary")
            writer.stats(9, int(self.rng.integers(200, 400)), 0, "ordinary")
            stall = list(Stall)[self.rng.integers(len(Stall))]
            latency = list(Latency)[self.rng.integers(len(Latency))]
            await self.run(writer.finish(), AxiMemKnobs(stall, latency, 0.12))
