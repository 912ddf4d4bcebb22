# SPDX-License-Identifier: Apache-2.0
"""Sizes at the edges of what the hardware takes at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sat_golden.defs import Opcode
from tb.top.random_program import LEGAL_NM, MATMUL_FLAGS, flag_sets
from tb.uvm.cov.program_cov import EDGES, VECTOR_TILE
from tb.uvm.seq_lib.draw import new_writer
from tb.uvm.seq_lib.numeric_writer import NumericWriter
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class EdgeVSeq(SatBaseVSeq):
    """Every edge of PE rows and columns, tiles, groups, chunks and vector tiles, `rounds` times.

    Products as large as tiles have reductions of a few groups, those as large as chunks few rows
    and columns.
    """

    def __init__(self, rng: np.random.Generator, rounds: int) -> None:
        super().__init__(rng)
        self.rounds = rounds

    async def body(self) -> None:
        core = self.sequencer.cfg.core
        for _ in range(self.rounds):
            await self._program(core.rows * core.t, core.cols * core.t, lambda m: m)
            await self._program(core.rows, core.cols, lambda m: core.chunk_k)

    async def _program(self, row_unit: int, col_unit: int, depth_unit: Callable[[int], int],
                       ) -> None:
        """A product, and weights, for each edge."""
        writer = new_writer(self.rng, chained=0.0)
        for edges in zip(*(self.rng.permutation(EDGES) for _ in range(5))):
            n, m = LEGAL_NM[self.rng.integers(len(LEGAL_NM))]
            units = (row_unit, col_unit, depth_unit(m), VECTOR_TILE, VECTOR_TILE)
            i, j, k, rows, cols = (self._size(edge, unit) for edge, unit in zip(edges, units))
            writer.matmul(i, j, k, n, m, int(self.rng.choice(MATMUL_FLAGS)), "ordinary")
            self._weights(writer, rows, cols, n, m)
        await self.run(writer.finish())

    def _weights(self, writer: NumericWriter, rows: int, cols: int, n: int, m: int) -> None:
        opcode = Opcode.PRUNE if self.rng.random() < 0.5 else Opcode.UPDATE
        flags = int(self.rng.choice(flag_sets(opcode)))
        writer.weights(opcode, rows, cols, n, m, flags, "ordinary")

    def _size(self, edge: str, unit: int) -> int:
        """A size at an edge (program_cov.edge)."""
        return {"below": unit - 1, "at": unit, "one_above": unit + 1, "multiple": 2 * unit,
                "between": 2 * unit + int(self.rng.integers(1, unit))}[edge]
