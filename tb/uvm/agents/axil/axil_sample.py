# SPDX-License-Identifier: Apache-2.0
"""The register port in one cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

# Bits of axil_ctl_q in sat_uvm_top; each valid is followed by its ready.
AR, AW, W, B, R = 0, 2, 4, 6, 8
BRESP, RRESP, RESET_N = 10, 12, 14


@dataclass
class AxilSample:
    """`ctl` as in the HDL; `values` has the payloads of the channels whose valid is high."""

    PAYLOADS: ClassVar[dict[str, int]] = {"ar": AR, "aw": AW, "w": W, "r": R}

    cycle: int
    ctl: int
    values: dict[str, int]

    def valid(self, channel: int) -> bool:
        return bool(self.ctl >> channel & 1)

    def fire(self, channel: int) -> bool:
        return self.ctl >> channel & 3 == 3

    def field(self, lsb: int) -> int:
        """A two-bit response."""
        return self.ctl >> lsb & 3

    @property
    def in_reset(self) -> bool:
        return not self.ctl >> RESET_N & 1

    @property
    def idle(self) -> bool:
        return not self.ctl & 0b0101010101 and not self.in_reset
