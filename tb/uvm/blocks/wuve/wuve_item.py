# SPDX-License-Identifier: Apache-2.0
"""A tile for the weight update vector engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyuvm import uvm_sequence_item

SIDE = 16   # of a tile
LANES = 4   # weights of a vector


@dataclass(frozen=True)
class Scalars:
    """What holds for a whole command: FP32 patterns; `decay` None: without. `update` False: the
    weights pass unchanged."""

    update: bool
    inv_scale: int
    momentum: int
    lr: int
    decay: int | None


class WuveItem(uvm_sequence_item):
    """FP32 patterns [16][16] of gradient, velocity and weight; `rows` x `cols` are used."""

    def __init__(self, scalars: Scalars, tiles: dict[str, np.ndarray], rows: int,
                 cols: int) -> None:
        super().__init__("tile")
        self.scalars, self.tiles, self.rows, self.cols = scalars, tiles, rows, cols

    def word(self, name: str, index: int) -> int:
        """The vector of LANES elements that `index` names."""
        return word_of(self.tiles[name], index)


def word_of(tile: np.ndarray, index: int) -> int:
    row, column = index // LANES, index % LANES * LANES
    return int.from_bytes(tile[row, column : column + LANES].astype("<u4").tobytes(), "little")
