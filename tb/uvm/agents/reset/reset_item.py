# SPDX-License-Identifier: Apache-2.0
"""A reset."""

from __future__ import annotations

from pyuvm import uvm_sequence_item


class ResetItem(uvm_sequence_item):
    """`cycles` it lasts; a monitor adds the sequencer's state when it began."""

    def __init__(self, name: str = "reset", cycles: int = 4, state: int | None = None) -> None:
        super().__init__(name)
        self.cycles, self.state = cycles, state

    def __str__(self) -> str:
        return f"reset of {self.cycles} cycles in state {self.state}"
