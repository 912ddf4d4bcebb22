# SPDX-License-Identifier: Apache-2.0
"""The tiles of a matrix as sat_tile_loader describes them, in the order they are visited."""

from __future__ import annotations

from dataclasses import dataclass

from tb.common.buses import TILE


@dataclass(frozen=True)
class Tile:
    row: int   # of tiles
    col: int
    rows: int  # elements inside the matrix
    cols: int
    band_end: bool
    last: bool

    def pack(self) -> int:
        return TILE.pack(**vars(self))


def tiles_of(rows: int, cols: int) -> list[Tile]:
    """Tiles of 16x16 over a matrix, row of tiles by row of tiles."""
    tile_rows, tile_cols = -(-rows // 16), -(-cols // 16)
    return [Tile(row, col, min(16, rows - 16 * row), min(16, cols - 16 * col),
                 col == tile_cols - 1, (row, col) == (tile_rows - 1, tile_cols - 1))
            for row in range(tile_rows) for col in range(tile_cols)]
