# SPDX-License-Identifier: Apache-2.0
"""Watches the edges of sat_array."""

from __future__ import annotations

from collections import deque

from pyuvm import uvm_analysis_port, uvm_monitor

from tb.uvm.blocks.array.array_bfm import ArrayBfm
from tb.uvm.blocks.array.array_item import ArrayBeat


class ArrayMonitor(uvm_monitor):
    """`beat_ap`: the streams with the skew taken out, so a beat comes as many cycles late as the
    longer side is long; `result_ap`: (column, accumulator) as they leave."""

    bfm: ArrayBfm

    def build_phase(self) -> None:
        super().build_phase()
        self.beat_ap = uvm_analysis_port("beat_ap", self)
        self.result_ap = uvm_analysis_port("result_ap", self)

    async def run_phase(self) -> None:
        side = max(self.bfm.rows, self.bfm.cols)
        past: deque[tuple[list[int], list[int]]] = deque(maxlen=side)
        while True:
            west, north, results = await self.bfm.sample()
            past.append((west, north))
            if len(past) == side:
                self.beat_ap.write(ArrayBeat(
                    tuple(past[row][0][row] for row in range(self.bfm.rows)),
                    tuple(past[col][1][col] for col in range(self.bfm.cols))))
            for result in results:
                self.result_ap.write(result)
