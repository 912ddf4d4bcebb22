# SPDX-License-Identifier: Apache-2.0
"""Commands that are large in some direction, for both engines, on a memory that is slow somewhere.
"""

from __future__ import annotations

import numpy as np

from sat.config import SatConfig
from sat_golden.defs import MatmulFlag, Opcode
from tb.top.random_program import LEGAL_NM, MATMUL_FLAGS
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs, Latency, Stall
from tb.uvm.seq_lib.draw import new_writer
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


def shapes(core: SatConfig) -> list[tuple[tuple[int, int], ...]]:
    """Ranges of I, J, K: long, tall, wide and bulky. They do not fit the scratchpads; of the last
    there are several tiles in both directions."""
    rows, cols = max(20, 2 * core.rows * core.t), max(20, 2 * core.cols * core.t)
    return [((1, 6), (1, 6), (300, 700)), ((60, 160), (1, 8), (8, 40)),
            ((1, 8), (60, 160), (8, 40)), ((rows, rows + 20), (cols, cols + 20), (20, 60))]


class LargeVSeq(SatBaseVSeq):
    """Two programs with all shapes, `rounds` times; the bulky product meets slow writes."""

    def __init__(self, rng: np.random.Generator, rounds: int) -> None:
        super().__init__(rng)
        self.rounds = rounds

    async def body(self) -> None:
        long, tall, wide, bulky = shapes(self.sequencer.cfg.core)
        for _ in range(self.rounds):
            stall = list(Stall)[self.rng.integers(len(Stall))]
            await self._program([tall, long], stall)
            await self._program([wide, bulky], Stall.SINK)

    async def _program(self, sizes: list[tuple[tuple[int, int], ...]], stall: Stall) -> None:
        writer = new_writer(self.rng, chained=0.0)
        # A bias so long that it takes the longest bursts.
        writer.matmul(2, int(self.rng.integers(520, 600)), 3, 1, 2, MatmulFlag.BIAS, "ordinary")
        for ranges in sizes:
            i, j, k = (int(self.rng.integers(low, high)) for low, high in ranges)
            n, m = LEGAL_NM[self.rng.integers(len(LEGAL_NM))]
            flags = int(self.rng.choice(MATMUL_FLAGS))
            writer.matmul(i, j, k, n, m, flags, "ordinary")
            rows, cols = (int(x) for x in self.rng.integers(30, 70, 2))
            writer.weights(Opcode.UPDATE, rows, cols, n, m, 3, "ordinary")
        writer.affine(3, int(self.rng.integers(200, 400)), 0, "ordinary")
        writer.stats(9, int(self.rng.integers(200, 400)), 0, "ordinary")
        latency = list(Latency)[self.rng.integers(len(Latency))]
        await self.run(writer.finish(), AxiMemKnobs(stall, latency, 0.12))
