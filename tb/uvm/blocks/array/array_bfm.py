# SPDX-License-Identifier: Apache-2.0
"""The only code that touches the pins of sat_array."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, ReadOnly

from tb.common.buses import DRAIN, NORTH, WEST
from tb.common.lanes import pack, unpack
from tb.common.parameters import parameters
from tb.uvm.blocks.array.array_item import ArrayItem


class ArrayBfm:
    def __init__(self, dut) -> None:
        self._dut = dut
        self.rows, self.cols, self.t = parameters(dut, "ROWS", "COLS", "T")

    async def send(self, item: ArrayItem) -> None:
        """The streams, each field as many cycles late as its number; then nothing."""
        dut = self._dut
        for cycle in range(len(item.north) + max(self.rows, self.cols)):
            dut.west_i.value = skewed(item.west, cycle, WEST.bits)
            dut.center_i.value = 0
            dut.north_i.value = skewed(item.north, cycle, NORTH.bits)
            await FallingEdge(dut.clk)

    async def drained(self) -> None:
        for _ in range((self.rows + 6) * self.t + self.rows + self.cols):
            await FallingEdge(self._dut.clk)

    async def sample(self) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        """West and north words at the pins, and (column, accumulator) of the results."""
        dut = self._dut
        await FallingEdge(dut.clk)
        await ReadOnly()
        drain = unpack(dut.drain_o.value.to_unsigned(), DRAIN.bits, self.cols)
        return (unpack(dut.west_i.value.to_unsigned(), WEST.bits, self.rows),
                unpack(dut.north_i.value.to_unsigned(), NORTH.bits, self.cols),
                [(col, DRAIN.get(word, "acc")) for col, word in enumerate(drain)
                 if DRAIN.get(word, "valid")])


def skewed(stream: list, cycle: int, bits: int) -> int:
    """The edge's word in a cycle: field f is f cycles behind field 0."""
    return pack([stream[cycle - f][f] if 0 <= cycle - f < len(stream) else 0
                 for f in range(len(stream[0]))], bits)
