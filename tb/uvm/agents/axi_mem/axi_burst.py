# SPDX-License-Identifier: Apache-2.0
"""One burst on the memory port."""

from __future__ import annotations

from dataclasses import dataclass

from pyuvm import uvm_sequence_item

ADDR_BITS_BELOW = (("len", 8), ("size", 3), ("burst", 2), ("lock", 1), ("cache", 4), ("prot", 3),
                   ("qos", 4))


@dataclass(frozen=True)
class AddressPhase:
    """The fields of an AR or AW beat."""

    addr: int
    len: int
    size: int
    burst: int
    lock: int
    cache: int
    prot: int
    qos: int
    id: int

    @classmethod
    def unpack(cls, word: int, addr_w: int) -> AddressPhase:
        """From axi_ar_q or axi_aw_q of sat_uvm_top."""
        values = {"addr": word & ((1 << addr_w) - 1)}
        word >>= addr_w
        for name, bits in ADDR_BITS_BELOW:
            values[name] = word & ((1 << bits) - 1)
            word >>= bits
        return cls(**values, id=word)


class AxiBurst(uvm_sequence_item):
    """A complete burst: `responses` one per beat (reads) or a single one; `strobes` one per beat.

    `accept_cycle` is that of the address, `done_cycle` that of the last response.
    """

    def __init__(self, write: bool, phase: AddressPhase, cycle: int) -> None:
        super().__init__("burst")
        self.write, self.phase = write, phase
        self.address, self.beats = phase.addr, phase.len + 1
        self.strobes: list[int] = []
        self.responses: list[int] = []
        self.accept_cycle, self.done_cycle = cycle, 0

    def __str__(self) -> str:
        return (f"{'write' if self.write else 'read'} {self.address:#x} {self.beats} beats "
                f"responses {sorted(set(self.responses))}")
