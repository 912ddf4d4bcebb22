# SPDX-License-Identifier: Apache-2.0
"""One access to the registers."""

from __future__ import annotations

from pyuvm import uvm_sequence_item

OKAY, SLVERR = 0, 2


class AxilItem(uvm_sequence_item):
    """A read or write of a 32-bit word.

    The driver fills in `data` (reads) and `response`; a monitor also the cycles in which the
    address (of a write: address and data) was taken and in which the response was.
    """

    def __init__(self, name: str = "axil", write: bool = False, address: int = 0, data: int = 0,
                 strobe: int = 0xF) -> None:
        super().__init__(name)
        self.write, self.address, self.data, self.strobe = write, address, data, strobe
        self.response = OKAY
        self.accept_cycle = self.done_cycle = 0

    @property
    def okay(self) -> bool:
        return self.response == OKAY

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AxilItem) and self._key() == other._key()

    __hash__ = uvm_sequence_item.__hash__

    def _key(self) -> tuple:
        return self.write, self.address, self.data, self.strobe, self.response

    def __str__(self) -> str:
        kind = "write" if self.write else "read"
        return (f"{kind} {self.address:#05x} data {self.data:#010x} strobe {self.strobe:#x} "
                f"{'OKAY' if self.okay else 'SLVERR'}")
