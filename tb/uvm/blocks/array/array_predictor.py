# SPDX-License-Identifier: Apache-2.0
"""What sat_array makes of its streams: golden multiply-add, in the order of the stream."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_analysis_port, uvm_subscriber

from sat_golden import vector
from sat_golden.stimulus import ALL_FP16
from tb.common.array_streams import RAM_WORDS
from tb.common.buses import NORTH, WEST
from tb.uvm.blocks.array.array_bfm import ArrayBfm
from tb.uvm.blocks.array.array_item import ArrayBeat

HALF_OF = {int(wide): half for half, wide in enumerate(vector.fp16_widen(ALL_FP16))}


class ArrayPredictor(uvm_subscriber):
    """Publishes (column, accumulator) of each sum, a tile's in the order (row, t).

    `ap` publishes results when the last one of a tile is known, which is before the first leaves.
    `fed_ap` publishes the FP16 operands (A [cols][rows], weights [cols]) that are multiplied.
    """

    bfm: ArrayBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)
        self.fed_ap = uvm_analysis_port("fed_ap", self)
        rows, cols, t = self.bfm.rows, self.bfm.cols, self.bfm.t
        self._ram = np.zeros((RAM_WORDS, rows), np.uint16)
        self._sums = np.zeros((t, rows, cols), np.uint32)
        self._tile: list[np.ndarray] = []
        self._beats = 0

    def write(self, beat: ArrayBeat) -> None:
        place = self._beats % self.bfm.t
        self._beats += 1
        # All columns have the same flags.
        if NORTH.get(beat.north[0], "valid"):
            self._multiply(beat, place)
        if WEST.get(beat.west[0], "write"):
            address = WEST.get(beat.west[0], "addr")
            self._ram[address] = [HALF_OF[WEST.get(word, "wide")] for word in beat.west]

    def _multiply(self, beat: ArrayBeat, place: int) -> None:
        flags = beat.north[0]
        address = [NORTH.get(word, "addr") for word in beat.north]
        weights = np.array([HALF_OF[NORTH.get(word, "wide")] for word in beat.north], np.uint16)
        a = self._ram[address]
        self.fed_ap.write((a, weights))
        if NORTH.get(flags, "first"):
            self._sums[place] = 0
        self._sums[place] = vector.pe_mac(self._sums[place], a.T, weights)
        if NORTH.get(flags, "last"):
            self._tile.append(vector.fp32_to_acc(self._sums[place]))
            if len(self._tile) == self.bfm.t:
                self._publish(np.array(self._tile).transpose(1, 0, 2).reshape(-1, self.bfm.cols))
                self._tile.clear()

    def _publish(self, tile: np.ndarray) -> None:
        for sums in tile:
            for col, total in enumerate(sums):
                self.ap.write((col, int(total)))
