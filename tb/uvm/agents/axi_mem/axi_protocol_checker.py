# SPDX-License-Identifier: Apache-2.0
"""The rules of AXI4 that apply to the memory port."""

from __future__ import annotations

from collections import Counter, deque

from pyuvm import uvm_subscriber

from tb.uvm.agents.axi_mem import axi_sample
from tb.uvm.agents.axi_mem.axi_burst import AddressPhase
from tb.uvm.agents.axi_mem.axi_mem_cfg import AxiMemCfg
from tb.uvm.agents.axi_mem.axi_sample import AxiSample

PAGE = 4096
INCR, OKAY, EXOKAY = 1, 0, 1

RULES = {
    "AXI_STABLE": "a valid and its payload stay until ready",
    "AXI_RESET": "no valid from the second cycle of a reset on",
    "AXI_ALIGN": "addresses are multiples of a beat",
    "AXI_KIND": "INCR bursts of whole beats, not exclusive",
    "AXI_LENGTH": "no burst is longer than the core's limit",
    "AXI_4K": "no burst crosses 4 KB",
    "AXI_ID": "one ID, and it comes back",
    "AXI_OUTSTANDING": "no more reads in flight than RD_OUTSTANDING",
    "AXI_WLAST": "WLAST in the last beat of a burst and nowhere else",
    "AXI_STROBE": "data of lanes without strobe is 0",
    "AXI_RLAST": "RLAST in the last beat of a burst and nowhere else",
    "AXI_ORDER": "no response before its request, or before all data of a write",
    "AXI_RESPONSE": "no EXOKAY without an exclusive access",
}


class AxiProtocolChecker(uvm_subscriber):
    """Takes the monitor's samples; logs an error that begins with the rule's name. `checks` counts
    how often each rule was looked at."""

    cfg: AxiMemCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.checks: Counter[str] = Counter()
        self._reset_cycles = 0
        self._reset()

    def _reset(self) -> None:
        self._waiting: dict[int, tuple] = {}
        self._reads: deque[list[int]] = deque()   # address of the next beat, beats to come
        self._writes: deque[list[int]] = deque()  # the same; bursts without all of their data
        self._data: deque[bool] = deque()   # WLAST of beats that are ahead of their address
        self._complete = 0                  # writes with address and data, not acknowledged

    def _rule(self, name: str, holds: bool, text: str, *args: object) -> None:
        self.checks[name] += 1
        if not holds:
            self.logger.error(f"{name}: {text}", *args)

    def write(self, sample: AxiSample) -> None:
        if sample.in_reset:
            self._reset_cycles += 1
            if self._reset_cycles > 1:
                valids = sum(1 << c for c in (axi_sample.AR, axi_sample.AW, axi_sample.W))
                self._rule("AXI_RESET", not sample.ctl & valids, "valid in a reset: %#x",
                           sample.ctl)
            self._reset()
            return
        self._reset_cycles = 0
        self._check_stability(sample)
        if sample.fire(axi_sample.AR):
            self._check_address("AR", sample.values["ar"], self.cfg.most_read_beats, self._reads)
            self._rule("AXI_OUTSTANDING", len(self._reads) <= self.cfg.most_reads,
                       "%d reads in flight", len(self._reads))
        if sample.fire(axi_sample.AW):
            self._check_address("AW", sample.values["aw"], self.cfg.most_write_beats, self._writes)
        if sample.fire(axi_sample.W):
            self._check_strobes(sample.values["w"])
            self._data.append(sample.bit(axi_sample.WLAST))
        self._match_data()
        # A response may come in the cycle in which its request is taken.
        self._check_responses(sample)

    def _check_stability(self, sample: AxiSample) -> None:
        for channel, name in axi_sample.NAMES.items():
            payload = sample.payload(channel)
            before = self._waiting.get(channel)
            if before is not None:
                self._rule("AXI_STABLE", payload == before, "%s: %s -> %s", name, before, payload)
            self._waiting[channel] = None if sample.fire(channel) else payload

    def _check_address(self, name: str, word: int, most: int,
                       queue: deque[list[int]]) -> None:
        phase = AddressPhase.unpack(word, self.cfg.addr_w)
        beats, size = phase.len + 1, self.cfg.beat_bytes
        self._rule("AXI_ALIGN", phase.addr % size == 0, "%s %#x", name, phase.addr)
        self._rule("AXI_KIND", (1 << phase.size, phase.burst, phase.lock) == (size, INCR, 0),
                   "%s %s", name, phase)
        self._rule("AXI_LENGTH", beats <= most, "%s of %d beats", name, beats)
        self._rule("AXI_4K", phase.addr % PAGE + beats * size <= PAGE, "%s %d beats from %#x",
                   name, beats, phase.addr)
        self._rule("AXI_ID", phase.id == 0, "%s with ID %d", name, phase.id)
        queue.append([phase.addr, beats])

    def _check_strobes(self, word: int) -> None:
        """`word`: strobes above data."""
        size = self.cfg.beat_bytes
        data, strobes = word & (1 << 8 * size) - 1, word >> 8 * size
        silent = [lane for lane in range(size) if not strobes >> lane & 1]
        self._rule("AXI_STROBE", not any(data >> 8 * lane & 0xFF for lane in silent),
                   "data %#x with strobes %#x", data, strobes)

    def _match_data(self) -> None:
        while self._data and self._writes:
            last = self._data.popleft()
            self._writes[0][1] -= 1
            left = self._writes[0][1]
            ends = left == 0
            self._rule("AXI_WLAST", last == ends, "WLAST %d with %d beats to come", last, left)
            if ends:
                self._writes.popleft()
                self._complete += 1

    def _check_responses(self, sample: AxiSample) -> None:
        if sample.fire(axi_sample.B):
            self._rule("AXI_ORDER", self._complete > 0, "B without a complete write")
            self._complete = max(0, self._complete - 1)
            self._check_response("B", sample.field(axi_sample.BRESP), sample.bit(axi_sample.BID))
        if sample.fire(axi_sample.R):
            self._rule("AXI_ORDER", bool(self._reads), "R without a read")
            self._check_response("R", sample.field(axi_sample.RRESP), sample.bit(axi_sample.RID))
            if self._reads:
                address, left = self._reads.popleft()
                last = sample.bit(axi_sample.RLAST)
                injected = any(region.rlast and region.start <= address < region.end
                               for region in self.cfg.bfm.error_regions)
                self._rule("AXI_RLAST", last == ((left == 1) != injected),
                           "RLAST %d with %d beats to come", last, left - 1)
                if left > 1:
                    self._reads.appendleft([address + self.cfg.beat_bytes, left - 1])

    def _check_response(self, name: str, resp: int, wrong_id: bool) -> None:
        self._rule("AXI_RESPONSE", resp != EXOKAY, "%s answers EXOKAY", name)
        self._rule("AXI_ID", not wrong_id, "%s with another ID", name)

    def check_phase(self) -> None:
        rest = len(self._reads) + len(self._writes) + self._complete
        if rest:
            self.logger.error("AXI_ORDER: %d bursts without response at the end", rest)
