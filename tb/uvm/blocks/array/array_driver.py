# SPDX-License-Identifier: Apache-2.0
"""Sends operand streams."""

from __future__ import annotations

from pyuvm import uvm_driver

from tb.uvm.blocks.array.array_bfm import ArrayBfm


class ArrayDriver(uvm_driver):
    bfm: ArrayBfm

    async def run_phase(self) -> None:
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.bfm.send(item)
            self.seq_item_port.item_done()
