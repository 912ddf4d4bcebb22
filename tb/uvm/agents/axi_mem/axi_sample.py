# SPDX-License-Identifier: Apache-2.0
"""The memory port in one cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

# Bits of axi_ctl_q in sat_uvm_top; each valid is followed by its ready.
AR, AW, W, B, R = 0, 2, 4, 6, 8
WLAST, BRESP, BID, RLAST, RRESP, RID, RESET_N = 10, 11, 13, 14, 15, 17, 18
NAMES = {AR: "AR", AW: "AW", W: "W", B: "B", R: "R"}


@dataclass
class AxiSample:
    """`ctl` as in the HDL; `values` has the payloads of the channels whose valid is high."""

    PAYLOADS: ClassVar[dict[str, int]] = {"ar": AR, "aw": AW, "w": W, "r": R}

    cycle: int
    ctl: int
    values: dict[str, int]

    def bit(self, lsb: int) -> bool:
        return bool(self.ctl >> lsb & 1)

    def fire(self, channel: int) -> bool:
        return self.ctl >> channel & 3 == 3

    def field(self, lsb: int) -> int:
        """A two-bit response."""
        return self.ctl >> lsb & 3

    def payload(self, channel: int) -> tuple | None:
        """All that must be stable while a valid waits; None without valid."""
        if not self.bit(channel):
            return None
        return {
            AR: lambda: (self.values["ar"],),
            AW: lambda: (self.values["aw"],),
            W: lambda: (self.values["w"], self.bit(WLAST)),
            B: lambda: (self.field(BRESP), self.bit(BID)),
            R: lambda: (self.values["r"], self.bit(RLAST), self.field(RRESP), self.bit(RID)),
        }[channel]()

    @property
    def in_reset(self) -> bool:
        return not self.bit(RESET_N)

    @property
    def idle(self) -> bool:
        return not self.ctl & 0b0101010101 and not self.in_reset
