# SPDX-License-Identifier: Apache-2.0
"""The tiles of a matrix as sat_tile_loader describes them, in the order they are visited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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


def walk(rows: int, cols: int) -> Iterator[Tile]:
    """Tiles of 16x16 over a matrix, row of tiles by row of tiles."""
    tile_rows, tile_cols = -(-rows // 16), -(-cols // 16)
    for row in range(tile_rows):
        for col in range(tile_cols):
            yield Tile(row, col, min(16, rows - 16 * row), min(16, cols - 16 * col),
                       col == tile_cols - 1, (row, col) == (tile_rows - 1, tile_cols - 1))


def tiles_of(rows: int, cols: int) -> list[Tile]:
    return list(walk(rows, cols))


def places(rng: np.random.Generator, tensors: int) -> tuple[list[int], list[int]]:
    """Any bases and strides, so that each of their bits decides about addresses."""
    return ([64 * int(rng.integers(1 << 34)) for _ in range(tensors)],
            [64 * int(rng.integers(1 << 18)) for _ in range(tensors)])


def place_inputs(bases: list[int], strides: list[int]) -> dict[str, int]:
    return {"base_i": sum(base << 40 * k for k, base in enumerate(bases)),
            "stride_i": sum(stride << 24 * k for k, stride in enumerate(strides))}
