# SPDX-License-Identifier: Apache-2.0
"""The only code that touches the pins of sat_sore."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from tb.common.lanes import pack_array, unpack_array
from tb.uvm.blocks.sore.sore_item import WIDTH, SoreItem

QUIET = 4  # cycles without an element until nothing is inside any more


class SoreBfm:
    """Drives on falling edges; in_ready_o depends on the readies of the same cycle."""

    def __init__(self, dut, rng: np.random.Generator) -> None:
        self._dut, self._rng = dut, rng
        self._nm: tuple[int, int] | None = None

    async def send(self, item: SoreItem) -> None:
        """Offers the vector until it is taken. N:M changes only when nothing is inside."""
        dut = self._dut
        if self._nm != (item.n, item.m):
            await self.drained()
            self._nm = item.n, item.m
            dut.n_i.value, dut.m_log2_i.value = item.n, item.m.bit_length() - 1
        dut.in_valid_i.value, dut.in_bp_i.value = 1, int(item.bp)
        dut.in_last_i.value, dut.in_vector_i.value = int(item.last), pack_array(item.vector)
        while True:
            await ReadOnly()
            taken = bool(dut.in_ready_o.value)
            await FallingEdge(dut.clk)
            if taken:
                break
        dut.in_valid_i.value = 0

    async def wait(self, cycles: int) -> None:
        for _ in range(cycles):
            await FallingEdge(self._dut.clk)

    async def sink(self, p: Callable[[], float]) -> None:
        """Forever: each direction is ready with the chance `p()`."""
        while True:
            draws = self._rng.random(2) < p()
            self._dut.out_ready_i.value = int(draws[0]) | int(draws[1]) << 1
            await FallingEdge(self._dut.clk)

    async def drained(self) -> None:
        quiet = 0
        while quiet < QUIET:
            await FallingEdge(self._dut.clk)
            quiet = 0 if self._dut.out_valid_o.value.to_unsigned() else quiet + 1

    async def sample(self) -> tuple[SoreItem | None, list[tuple]]:
        """What the next rising edge moves: a vector in, and (direction, element) out."""
        dut = self._dut
        await FallingEdge(dut.clk)
        await ReadOnly()
        item = None
        if dut.in_valid_i.value and dut.in_ready_o.value:
            vector = unpack_array(dut.in_vector_i.value.to_unsigned(), np.uint16, WIDTH)
            item = SoreItem(dut.n_i.value.to_unsigned(), 1 << dut.m_log2_i.value.to_unsigned(),
                            vector, bool(dut.in_bp_i.value), bool(dut.in_last_i.value))
        fire = dut.out_valid_o.value.to_unsigned() & dut.out_ready_i.value.to_unsigned()
        return item, [(direction, self._element(direction)) for direction in range(2)
                      if fire >> direction & 1]

    def _element(self, direction: int) -> tuple[int, ...]:
        """(value, index, rank, end, last)."""
        def field(name: str, bits: int) -> int:
            word = getattr(self._dut, f"out_{name}_o").value.to_unsigned()
            return word >> bits * direction & (1 << bits) - 1

        return (field("value", 16), field("index", 4), field("rank", 4), field("end", 1),
                field("last", 1))
