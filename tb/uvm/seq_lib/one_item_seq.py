# SPDX-License-Identifier: Apache-2.0
"""Sends one item to an agent's sequencer."""

from __future__ import annotations

from pyuvm import uvm_sequence, uvm_sequence_item


class OneItemSeq(uvm_sequence):
    def __init__(self, item: uvm_sequence_item) -> None:
        super().__init__("one_item_seq")
        self.item = item

    async def body(self) -> None:
        await self.start_item(self.item)
        await self.finish_item(self.item)
