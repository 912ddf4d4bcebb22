# SPDX-License-Identifier: Apache-2.0
"""The writable registers as the bus left them."""

from __future__ import annotations

from sat.regs import IrqEnable, Reg
from tb.uvm.agents.axil.axil_item import AxilItem

# Registers that keep what is written, and which bits of it.
KEPT: dict[int, int] = {
    Reg.SCRATCH: 0xFFFFFFFF,
    Reg.IRQ_ENABLE: int(IrqEnable.DONE | IrqEnable.ERROR | IrqEnable.FENCE),
    Reg.PROG_ADDR_LO: 0xFFFFFFFF,
    Reg.PROG_ADDR_HI: 0xFFFFFFFF,
    Reg.PROG_LEN: 0xFFFFFFFF,
    Reg.WATCHDOG: 0xFFFFFFFF,
    Reg.SEED: 0xFFFFFFFF,
    Reg.STEP: 0xFFFFFFFF,
}


class RegisterShadow:
    """All zero, as after a reset."""

    def __init__(self) -> None:
        self._values = dict.fromkeys(KEPT, 0)

    def __getitem__(self, register: int) -> int:
        return self._values[register]

    def __contains__(self, register: int) -> bool:
        return register in self._values

    @property
    def program(self) -> tuple[int, int]:
        """Address and length."""
        return (self[Reg.PROG_ADDR_LO] | self[Reg.PROG_ADDR_HI] << 32, self[Reg.PROG_LEN])

    def write(self, item: AxilItem) -> None:
        register = item.address & ~3
        if register in self._values:
            mask = strobe_mask(item.strobe)
            kept = self._values[register] & ~mask | item.data & mask
            self._values[register] = kept & KEPT[register]

    @staticmethod
    def written_ones(item: AxilItem, register: Reg) -> int:
        """The ones that the item writes to a register of action bits; 0 for another register."""
        return item.data & strobe_mask(item.strobe) if item.address & ~3 == register else 0


def strobe_mask(strobe: int) -> int:
    return sum(0xFF << 8 * byte for byte in range(4) if strobe >> byte & 1)
