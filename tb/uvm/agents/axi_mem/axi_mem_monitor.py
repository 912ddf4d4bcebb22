# SPDX-License-Identifier: Apache-2.0
"""Watches the memory port."""

from __future__ import annotations

from collections import deque

from pyuvm import uvm_analysis_port, uvm_monitor

from tb.uvm.agents.axi_mem import axi_sample
from tb.uvm.agents.axi_mem.axi_burst import AddressPhase, AxiBurst
from tb.uvm.agents.axi_mem.axi_mem_cfg import AxiMemCfg
from tb.uvm.agents.axi_mem.axi_sample import AxiSample


class AxiMemMonitor(uvm_monitor):
    """`sample_ap` publishes every cycle in which something is on the port, `ap` every complete
    burst. One ID, so responses come in the order of their requests. A reset drops what is under
    way. Broken rules are the protocol checker's business: here they only must not crash."""

    cfg: AxiMemCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)
        self.sample_ap = uvm_analysis_port("sample_ap", self)
        self._reset()

    def _reset(self) -> None:
        self._reads: deque[AxiBurst] = deque()
        self._writes: deque[AxiBurst] = deque()      # not acknowledged
        self._filling: deque[AxiBurst] = deque()     # of those, without all of their data
        self._early: deque[tuple[int, bool]] = deque()  # data ahead of its address

    async def run_phase(self) -> None:
        idle = True
        while True:
            sample = await self.cfg.bfm.sample(idle)
            idle = sample.idle
            if self.cfg.tamper:
                sample = self.cfg.tamper(sample)
            self.sample_ap.write(sample)
            if sample.in_reset:
                self._reset()
            else:
                self._step(sample)

    def _step(self, sample: AxiSample) -> None:
        if sample.fire(axi_sample.AR):
            self._reads.append(self._burst(False, sample.values["ar"], sample))
        if sample.fire(axi_sample.AW):
            burst = self._burst(True, sample.values["aw"], sample)
            self._writes.append(burst)
            self._filling.append(burst)
        if sample.fire(axi_sample.W):
            strobes = sample.values["w"] >> 8 * self.cfg.beat_bytes
            self._early.append((strobes, sample.bit(axi_sample.WLAST)))
        while self._early and self._filling:
            strobes, last = self._early.popleft()
            self._filling[0].strobes.append(strobes)
            if last:
                self._filling.popleft()
        # A response may come in the cycle in which its request is taken.
        if sample.fire(axi_sample.B) and self._writes:
            burst = self._writes.popleft()
            burst.responses.append(sample.field(axi_sample.BRESP))
            self._publish(burst, sample)
        if sample.fire(axi_sample.R) and self._reads:
            burst = self._reads[0]
            burst.responses.append(sample.field(axi_sample.RRESP))
            if len(burst.responses) == burst.beats:
                self._publish(self._reads.popleft(), sample)

    def _burst(self, write: bool, word: int, sample: AxiSample) -> AxiBurst:
        return AxiBurst(write, AddressPhase.unpack(word, self.cfg.addr_w), sample.cycle)

    def _publish(self, burst: AxiBurst, sample: AxiSample) -> None:
        burst.done_cycle = sample.cycle
        self.logger.debug("%s", burst)
        self.ap.write(burst)
