# SPDX-License-Identifier: Apache-2.0
"""A change of the interrupt."""

from __future__ import annotations

from pyuvm import uvm_sequence_item


class IrqItem(uvm_sequence_item):
    """The level, and the cycle from which on it holds."""

    def __init__(self, name: str = "irq", level: bool = False, cycle: int = 0) -> None:
        super().__init__(name)
        self.level, self.cycle = level, cycle

    def __str__(self) -> str:
        return f"irq {int(self.level)} from cycle {self.cycle}"
