# SPDX-License-Identifier: Apache-2.0
"""Makes the memory port look as if it broke each rule of AXI4 once."""

from __future__ import annotations

from collections.abc import Callable

from tb.uvm.agents.axi_mem import axi_sample
from tb.uvm.agents.axi_mem.axi_sample import AxiSample

PAGE_END = 0xFF0


class ProtocolSaboteur:
    """Called with each sample; changes one for each of its tricks, in turn, when it can."""

    def __init__(self, addr_w: int, beat_bytes: int) -> None:
        self._beat_bytes = beat_bytes
        self._len = addr_w  # lowest bit of the length in an address beat, then size and burst
        self._tricks: list[Callable[[AxiSample], bool]] = [
            self.misalign, self.wrap, self.lengthen, self.cross_page, self.other_id,
            self.move_wlast, self.withdraw_strobe, self.move_rlast, self.exclusive_okay,
            self.early_response, self.unstable, self.unstable,
        ]

    def __call__(self, sample: AxiSample) -> AxiSample:
        if sample.in_reset:
            sample.ctl |= 1 << axi_sample.AR
            sample.values["ar"] = 0
        elif self._tricks and self._tricks[0](sample):
            self._tricks.pop(0)
        return sample

    # Each returns whether it could be played.

    def misalign(self, sample: AxiSample) -> bool:
        return self._address(sample, lambda word: word | 4)

    def wrap(self, sample: AxiSample) -> bool:
        burst = self._len + 8 + 3
        return self._address(sample, lambda word: word ^ 3 << burst)

    def lengthen(self, sample: AxiSample) -> bool:
        return self._address(sample, lambda word: word | 0xFF << self._len)

    def cross_page(self, sample: AxiSample) -> bool:
        return self._address(sample, lambda word: word | PAGE_END | 1 << self._len)

    def other_id(self, sample: AxiSample) -> bool:
        return self._response(sample, axi_sample.RID)

    def move_rlast(self, sample: AxiSample) -> bool:
        return self._response(sample, axi_sample.RLAST)

    def exclusive_okay(self, sample: AxiSample) -> bool:
        return self._response(sample, axi_sample.RRESP)

    def move_wlast(self, sample: AxiSample) -> bool:
        if not sample.fire(axi_sample.W):
            return False
        sample.ctl ^= 1 << axi_sample.WLAST
        return True

    def withdraw_strobe(self, sample: AxiSample) -> bool:
        """One that stands for a byte other than 0."""
        if not sample.fire(axi_sample.W):
            return False
        word = sample.values["w"]
        for lane in range(self._beat_bytes):
            strobe = 1 << 8 * self._beat_bytes + lane
            if word & strobe and word >> 8 * lane & 0xFF:
                sample.values["w"] ^= strobe
                return True
        return False

    def early_response(self, sample: AxiSample) -> bool:
        if sample.bit(axi_sample.B):
            return False
        sample.ctl |= 3 << axi_sample.B
        return True

    def unstable(self, sample: AxiSample) -> bool:
        """Data that waits, changed in one of the cycles."""
        if not sample.bit(axi_sample.W) or sample.fire(axi_sample.W):
            return False
        sample.values["w"] ^= 1
        return True

    def _address(self, sample: AxiSample, change: Callable[[int], int]) -> bool:
        if not sample.fire(axi_sample.AR):
            return False
        sample.values["ar"] = change(sample.values["ar"])
        return True

    def _response(self, sample: AxiSample, bit: int) -> bool:
        if not sample.fire(axi_sample.R):
            return False
        sample.ctl ^= 1 << bit
        return True
