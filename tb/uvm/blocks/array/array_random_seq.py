# SPDX-License-Identifier: Apache-2.0
"""Random operand streams."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_sequence

from tb.common.array_streams import ArrayStreams
from tb.uvm.blocks.array.array_item import ArrayItem

SPECIAL = (0.0, 0.2, 1.0)  # shares of special values


class ArrayRandomSeq(uvm_sequence):
    """`streams` of a few tiles each: close together or apart, with and without bubbles and special
    values."""

    def __init__(self, rng: np.random.Generator, streams: int) -> None:
        super().__init__("array_random_seq")
        self.rng, self.streams = rng, streams

    async def body(self) -> None:
        bfm = self.sequencer.bfm
        for index in range(self.streams):
            tiles = int(self.rng.integers(1, 8))
            streams = ArrayStreams(self.rng, bfm.rows, bfm.cols, bfm.t, tiles,
                                   special=SPECIAL[index % len(SPECIAL)],
                                   p_valid=float(self.rng.choice([0.6, 1.0])),
                                   most=int(self.rng.choice([0, 4])))
            item = ArrayItem(streams.west, streams.north)
            await self.start_item(item)
            await self.finish_item(item)
            await bfm.drained()
