# SPDX-License-Identifier: Apache-2.0
"""Loop bounds of a MATMUL, in Python: what sat_matmul_plan computes and the array's units use."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from sat_golden import Windows, compressed_rows

LANES = 8  # FP16 values of a beat
RAM_HALF = 16  # A values of a group in a PE


def log2(value: int) -> int:
    return value.bit_length() - 1


@dataclass(frozen=True)
class Shape:
    """Build parameters."""

    rows: int
    cols: int
    t: int
    a_depth: int = 512
    s_depth: int = 4096
    chunk_k: int = 256


@dataclass(frozen=True)
class Plan:
    """One MATMUL of A[i][k] and S[k][j] on a build, `hint` being the descriptor's map field.

    In a convolution the rows of C or the reduction are cut into segments, one for each kernel
    position: `i` and `k` are then those of one segment. Groups and tiles never straddle segments.
    """

    shape: Shape
    i: int
    j: int
    k: int
    n: int = 2
    m: int = 2
    hint: int = 0
    row_segments: int = 1
    k_segments: int = 1

    @classmethod
    def conv(cls, shape: Shape, windows: Windows, channels: int, j: int, n: int = 2, m: int = 2,
             hint: int = 0, a_trans: bool = False) -> Plan:
        if a_trans:
            return cls(shape, channels, j, windows.count, n, m, hint,
                       row_segments=windows.positions)
        return cls(shape, windows.count, j, channels, n, m, hint, k_segments=windows.positions)

    @property
    def dense(self) -> bool:
        return self.n == self.m

    @property
    def group_n(self) -> int:
        return 1 if self.dense else self.n

    @property
    def group_m(self) -> int:
        return 1 if self.dense else self.m

    @property
    def t2(self) -> int:
        """Rows interleaved in a PE: the hint, unless PE RAM or the width of a beat says less."""
        most = min(RAM_HALF // self.group_m, self.shape.t * self.shape.cols // LANES, self.shape.t)
        return min(1 << self.hint, most)

    @property
    def t1(self) -> int:
        return self.shape.t // self.t2

    @property
    def period(self) -> int:
        return max(self.group_n, self.group_m * self.t2 // self.shape.t)

    @property
    def groups(self) -> int:
        return self.k_segments * ceil(self.k / self.group_m)

    @property
    def kept(self) -> int:
        return self.k_segments * compressed_rows(self.k, self.n, self.m)

    @property
    def row_span(self) -> int:
        return self.shape.rows * self.t2

    @property
    def col_span(self) -> int:
        return self.shape.cols * self.t1

    @property
    def row_tiles(self) -> int:
        return self.row_segments * ceil(self.i / self.row_span)

    @property
    def col_tiles(self) -> int:
        return ceil(self.j / self.col_span)

    @property
    def a_resident(self) -> bool:
        words = self.row_tiles * self.k_segments * ceil(self.k / LANES) * self.t2
        return self.col_tiles > 1 and words <= self.shape.a_depth

    @property
    def s_resident(self) -> bool:
        return self.row_tiles > 1 and self.kept * self.t1 <= self.shape.s_depth

    @property
    def tiles(self) -> list[tuple[int, int]]:
        """First row and column of C's tiles in the order in which they are computed."""
        return [(segment * self.i + row, col * self.col_span)
                for col in range(self.col_tiles) for segment in range(self.row_segments)
                for row in range(0, self.i, self.row_span)]

    def tile_cols(self, col: int) -> int:
        """Columns of the tile that begins at column `col`."""
        return min(self.col_span, self.j - col)

    def segment_end(self, row: int) -> int:
        """The first row behind the segment that a row lies in."""
        return (row // self.i + 1) * self.i

    def drain_order(self, row: int) -> list[int]:
        """Rows of the tile that begins at `row` as they leave the array, those included that lie
        past its segment of C."""
        return [row + t2 * self.shape.rows + r
                for r in range(self.shape.rows) for t2 in range(self.t2)]

    def walk_inputs(self) -> dict[str, int]:
        """The plan as units that walk over C see it."""
        return {"rows_i": self.i, "cols_i": self.j, "row_tiles_i": self.row_tiles,
                "col_tiles_i": self.col_tiles, "t1_log2_i": log2(self.t1),
                "t2_log2_i": log2(self.t2)}
