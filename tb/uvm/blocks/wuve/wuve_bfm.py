# SPDX-License-Identifier: Apache-2.0
"""The only code that touches the pins of sat_wuve_bench."""

from __future__ import annotations

import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from tb.uvm.blocks.wuve.wuve_item import Scalars, WuveItem

QUIET = 40  # cycles without a result until nothing is inside any more: more than the lanes' latency


class WuveBfm:
    """Offers tiles and is their operand memory: what is read in a cycle is there in the next."""

    def __init__(self, dut, rng: np.random.Generator) -> None:
        self._dut, self._rng = dut, rng
        self._scalars: Scalars | None = None
        self.p_stall = 0.0

    async def send(self, item: WuveItem) -> None:
        """Until the tile is taken, with its last read. Scalars change only when nothing is inside.
        """
        dut = self._dut
        if self._scalars != item.scalars:
            await self.drained()
            self._set_scalars(item.scalars)
        dut.tile_valid_i.value = 1
        dut.tile_rows_i.value, dut.tile_cols_i.value = item.rows, item.cols
        taken = False
        while not taken:
            dut.stall_i.value = int(self._rng.random() < self.p_stall)
            await ReadOnly()
            read, index = bool(dut.read_o.value), dut.read_index_o.value.to_unsigned()
            taken = bool(dut.tile_ready_o.value)
            await FallingEdge(dut.clk)
            if taken:
                dut.tile_valid_i.value = 0
            for name in ("gradient", "velocity", "weight"):
                data = item.word(name, index) if read else int(self._rng.integers(1 << 62))
                getattr(dut, f"{name}_i").value = data

    def _set_scalars(self, scalars: Scalars) -> None:
        dut, self._scalars = self._dut, scalars
        dut.update_i.value = int(scalars.update)
        dut.decay_en_i.value = int(scalars.decay is not None)
        for name in ("inv_scale", "momentum", "lr"):
            getattr(dut, f"{name}_i").value = getattr(scalars, name)
        dut.decay_i.value = scalars.decay or 0

    async def drained(self) -> None:
        quiet = 0
        while quiet < QUIET:
            await FallingEdge(self._dut.clk)
            quiet = 0 if self._dut.out_valid_o.value else quiet + 1

    async def sample(self) -> tuple[str, tuple[int, int, int]] | None:
        """What leaves with the next rising edge: ("V" or "W", (index, mask, data))."""
        dut = self._dut
        await FallingEdge(dut.clk)
        await ReadOnly()
        if not dut.out_valid_o.value:
            return None
        return ("W" if dut.out_weight_o.value else "V",
                (dut.out_index_o.value.to_unsigned(), dut.out_mask_o.value.to_unsigned(),
                 dut.out_data_o.value.to_unsigned()))
