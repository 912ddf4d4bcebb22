# SPDX-License-Identifier: Apache-2.0
"""What sat_sore makes of a vector: golden compress_ff."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_analysis_port, uvm_subscriber

from sat_golden import compress_ff
from tb.uvm.blocks.sore.sore_item import WIDTH, SoreItem


class SorePredictor(uvm_subscriber):
    """Publishes (direction, (value, index, rank, end, last)) for every kept element."""

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)

    def write(self, item: SoreItem) -> None:
        planes = compress_ff(item.vector[:, None], item.n, item.m)
        values = planes.values[:, 0]
        indices = np.arange(WIDTH) % item.m if planes.indices is None else planes.indices[:, 0]
        for rank, (value, index) in enumerate(zip(values, indices)):
            end = rank == len(values) - 1
            self.ap.write((int(item.bp), (int(value), int(index), rank, int(end),
                                          int(end and item.last))))
