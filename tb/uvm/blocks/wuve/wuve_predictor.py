# SPDX-License-Identifier: Apache-2.0
"""What sat_wuve makes of a tile: golden update."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_analysis_port, uvm_subscriber

from sat_golden import update
from sat_golden.formats import FP32
from tb.uvm.blocks.wuve.wuve_item import LANES, SIDE, WuveItem, word_of


class WuvePredictor(uvm_subscriber):
    """Publishes ("V" or "W", (index, mask, data)) for every vector of the tile."""

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)

    def write(self, item: WuveItem) -> None:
        for name, tile in self.results(item).items():
            for index in range(SIDE * SIDE // LANES):
                row, column = index // LANES, index % LANES * LANES
                mask = sum(1 << lane for lane in range(LANES)
                           if row < item.rows and column + lane < item.cols)
                self.ap.write((name, (index, mask, word_of(tile, index))))

    @staticmethod
    def results(item: WuveItem) -> dict[str, np.ndarray]:
        """New velocity and weights; those outside the used part are computed too."""
        tiles, scalars = item.tiles, item.scalars
        if not scalars.update:
            nan = tiles["weight"] & 0x7FFFFFFF > FP32.inf
            return {"W": np.where(nan, np.uint32(FP32.nan), tiles["weight"])}
        weights, velocity = update(tiles["weight"], tiles["velocity"], tiles["gradient"],
                                   inv_scale=scalars.inv_scale, momentum=scalars.momentum,
                                   lr=scalars.lr, decay=scalars.decay)
        return {"V": velocity, "W": weights}
