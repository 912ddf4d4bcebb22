# SPDX-License-Identifier: Apache-2.0
"""Tiles, segments, passes and residency of a MATMUL: in RTL, what sat_matmul_plan derives."""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

from sat_golden import Descriptor, Windows, compressed_rows
from sat_golden.defs import MATMUL_ROW_INTERLEAVE_LSB, MatmulFlag, Opcode

GROUP_VALUES = 16  # values of A that a PE holds of a group: M times its rows at most
LINE_BYTES = 64  # of the map cache


@dataclass(frozen=True)
class Array:
    """Parameters of sat_top that a plan depends on. With a depth of 0 nothing is resident."""

    rows: int
    cols: int
    t: int
    a_depth: int = 0
    s_depth: int = 0
    chunk_k: int = 0
    cache_lines: int = 0
    data_w: int = 128

    @property
    def lanes(self) -> int:
        """FP16 values of a beat; a tile is at least as wide."""
        return self.data_w // 16

    @property
    def folds(self) -> bool:
        """Whether the two halves of the columns can work on rows of their own."""
        return self.cols >= self.lanes


def rows_of_pe(n: int, m: int) -> int:
    """The most rows that a PE can work on: a group must fit it."""
    return GROUP_VALUES // (1 if n == m else m)


def most_rows(array: Array, n: int, m: int) -> int:
    """The largest T2: a group must fit a PE, of which a folded array has two for the same columns,
    and a tile be at least a beat wide."""
    return min(rows_of_pe(n, m) << array.folds, array.t, array.t * array.cols // array.lanes)


def legal_row_interleaves(array: Array, n: int, m: int) -> list[int]:
    """Those that the hardware uses as they are; it clamps any other."""
    return list(range(most_rows(array, n, m).bit_length()))


def ceil_div(value: int, unit: int) -> int:
    return -(-value // unit)


@dataclass(frozen=True)
class Tiling:
    """One MATMUL of A [i][k] and S [k][j], N:M along k, on an array.

    Each PE works on T outputs in turn: on `t2` rows times `t1` columns, as `row_interleave`
    (log2(t2), a field of the descriptor) asks for; of a folded array on half as many rows and twice
    as many columns, while a tile stays as large. A convolution cuts the reduction into segments,
    one for each kernel position: `k` is that of one segment, and no group straddles segments. Rows
    of a weight gradient are those of `positions` kernel positions, one behind the other, and tiles
    do not mind where one ends. `lines` are the 64-byte lines of a feature map that A is gathered
    from, 0 for a matrix; they do not change a tile.
    """

    array: Array
    i: int
    j: int
    k: int
    n: int = 2
    m: int = 2
    row_interleave: int = 0
    positions: int = 1
    k_segments: int = 1
    lines: int = 0
    a_trans: bool = False

    @classmethod
    def conv(cls, array: Array, windows: Windows, channels: int, j: int, n: int = 2, m: int = 2,
             row_interleave: int = 0, a_trans: bool = False, lines: int = 0) -> Tiling:
        """A phase of a convolution of a map with `channels` channels (`conv_tilings` has all of
        them); with `a_trans` a weight gradient."""
        if a_trans:
            return cls(array, windows.positions * channels, j, windows.count, n, m, row_interleave,
                       positions=windows.positions, lines=lines, a_trans=True)
        return cls(array, windows.count, j, channels, n, m, row_interleave,
                   k_segments=windows.positions, lines=lines)

    @property
    def dense(self) -> bool:
        return self.n == self.m

    @property
    def group_n(self) -> int:
        """Kept elements of a group; dense is handled as groups of one."""
        return 1 if self.dense else self.n

    @property
    def group_m(self) -> int:
        return 1 if self.dense else self.m

    @property
    def t2(self) -> int:
        """Row blocks of a tile: those that are asked for, as far as they fit."""
        return min(1 << self.row_interleave, most_rows(self.array, self.n, self.m))

    @property
    def t1(self) -> int:
        """Column blocks of a tile."""
        return self.array.t // self.t2

    @property
    def folded(self) -> bool:
        """Whether each half of the array's columns has row blocks of its own."""
        return self.t2 > rows_of_pe(self.n, self.m)

    @property
    def pe_rows(self) -> int:
        """Rows interleaved in a PE."""
        return self.t2 >> self.folded

    @property
    def period(self) -> int:
        """Slots of T cycles for a group: its multiplies, or loading the next group's values."""
        return max(self.group_n, self.group_m * self.pe_rows // self.array.t)

    @property
    def groups(self) -> int:
        """Of the whole reduction."""
        return self.k_segments * ceil_div(self.k, self.group_m)

    @property
    def kept(self) -> int:
        """Elements of the whole reduction that are multiplied, padding of groups included."""
        return self.k_segments * compressed_rows(self.k, self.n, self.m)

    @property
    def macs(self) -> int:
        """Multiplies that the product needs, without padding."""
        kept = self.k // self.m * self.n + min(self.k % self.m, self.n)
        return self.i * self.j * self.k_segments * kept

    @property
    def row_span(self) -> int:
        """Rows of a tile."""
        return self.array.rows * self.t2

    @property
    def col_span(self) -> int:
        """Columns of a tile."""
        return self.array.cols * self.t1

    @property
    def row_tiles(self) -> int:
        return ceil_div(self.i, self.row_span)

    @property
    def parts(self) -> int:
        """Pieces of C's rows that lie in one tile and belong to one kernel position."""
        common = (self.i - 1) // lcm(self.i // self.positions, self.row_span)
        return self.row_tiles + self.positions - 1 - common

    @property
    def col_tiles(self) -> int:
        return ceil_div(self.j, self.col_span)

    @property
    def slots(self) -> int:
        """Slots of T cycles in which the array multiplies."""
        return self.row_tiles * self.col_tiles * self.kept

    @property
    def a_resident(self) -> bool:
        """All of A stays in its scratchpad while the columns of tiles pass."""
        words = self.row_tiles * self.k_segments * self.row_words(self.k) * self.t2
        return self.col_tiles > 1 and words <= self.array.a_depth

    def row_words(self, k: int) -> int:
        """Words of the A scratchpad for `k` reduction elements of a row block: whole chunks have an
        even number."""
        lanes, chunk_k = self.array.lanes, self.array.chunk_k
        words = ceil_div(k, lanes)
        if self.t2 > 1:
            return words
        return 2 * words if chunk_k == lanes else words + words % 2

    @property
    def s_resident(self) -> bool:
        """A column tile of S stays in its scratchpad while the row tiles pass."""
        return self.row_tiles > 1 and self.kept * self.t1 <= self.array.s_depth

    @property
    def a_passes(self) -> int:
        """How often A is loaded."""
        return 1 if self.a_resident else self.col_tiles

    @property
    def s_passes(self) -> int:
        """How often S is loaded."""
        return 1 if self.s_resident else self.row_tiles

    @property
    def tiles(self) -> list[tuple[int, int]]:
        """First row and column of C's tiles in the order in which they are computed."""
        return [(row, col) for col in range(0, self.j, self.col_span)
                for row in range(0, self.i, self.row_span)]

    def tile_cols(self, col: int) -> int:
        """Columns of the tile that begins at column `col`."""
        return min(self.col_span, self.j - col)

    def drain_order(self, row: int) -> list[int]:
        """Rows of the tile that begins at `row` as they leave the array, those past the end of C
        included."""
        if not self.a_trans:
            return list(range(row, row + self.row_span))
        return [row + t2 * self.array.rows + r
                for r in range(self.array.rows) for t2 in range(self.t2)]


def conv_tilings(array: Array, windows: Windows, channels: int, j: int, n: int = 2, m: int = 2,
                 row_interleave: int = 0, a_trans: bool = False, lines: int = 0,
                 sums: bool = False) -> list[Tiling]:
    """Those of a convolution: one for each phase of its windows, a single one with `a_trans` or
    `sums`."""
    parts = [windows] if a_trans or sums else [phase.windows for phase in windows.phases()]
    return [Tiling.conv(array, part, channels, j, n, m, row_interleave, a_trans, lines)
            for part in parts]


def tilings(array: Array, desc: Descriptor) -> list[Tiling]:
    """Those of a MATMUL's descriptor; the feature map's lines are left out."""
    row_interleave = desc.flags >> MATMUL_ROW_INTERLEAVE_LSB
    a_trans = bool(desc.flags & MatmulFlag.A_TRANS)
    if desc.has_windows:
        return conv_tilings(array, desc.windows, desc.depth, desc.cols, desc.n, desc.m,
                            row_interleave, a_trans, sums=bool(desc.flags & MatmulFlag.SUMS))
    return [Tiling(array, desc.rows, desc.cols, desc.depth, desc.n, desc.m, row_interleave,
                   a_trans=a_trans)]


def array_slots(array: Array, desc: Descriptor) -> int:
    """Slots of T cycles in which the array multiplies for a command, whatever its kind."""
    if desc.opcode != Opcode.MATMUL:
        return 0
    return sum(tiling.slots for tiling in tilings(array, desc))
