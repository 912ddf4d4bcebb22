# SPDX-License-Identifier: Apache-2.0
"""Watches the register port."""

from __future__ import annotations

from collections import deque

from pyuvm import uvm_analysis_port, uvm_monitor

from tb.uvm.agents.axil import axil_sample
from tb.uvm.agents.axil.axil_cfg import AxilCfg
from tb.uvm.agents.axil.axil_item import AxilItem


class AxilMonitor(uvm_monitor):
    """Publishes each access twice: on `request_ap` when the slave has all of it (that is when a
    write takes effect), on `ap` when it has been answered. A reset drops what is under way."""

    cfg: AxilCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)
        self.request_ap = uvm_analysis_port("request_ap", self)
        self._reset()

    def _reset(self) -> None:
        self._aw: deque[int] = deque()
        self._w: deque[int] = deque()
        self._writes: deque[AxilItem] = deque()
        self._reads: deque[AxilItem] = deque()
        self._seen: dict[int, tuple] = {}

    async def run_phase(self) -> None:
        idle = True
        while True:
            sample = await self.cfg.bfm.sample(idle)
            idle = sample.idle
            if self.cfg.tamper:
                sample = self.cfg.tamper(sample)
            if sample.in_reset:
                self._reset()
            else:
                self._check_slave(sample)
                self._step(sample)

    def _check_slave(self, sample: axil_sample.AxilSample) -> None:
        """The slave keeps a response as it is until it is taken, and gives none unasked."""
        for name, channel, resp in (("B", axil_sample.B, axil_sample.BRESP),
                                    ("R", axil_sample.R, axil_sample.RRESP)):
            payload = ((sample.field(resp), sample.values.get(name.lower()))
                       if sample.valid(channel) else None)
            before = self._seen.get(channel)
            if before is not None and payload != before:
                self.logger.error("AXIL_STABLE: %s changed while waiting: %s -> %s", name, before,
                                  payload)
            self._seen[channel] = None if sample.fire(channel) else payload

    def _step(self, sample: axil_sample.AxilSample) -> None:
        # Responses first: none can belong to a request of the same cycle.
        if sample.fire(axil_sample.B):
            self._answer(self._writes, sample, axil_sample.BRESP)
        if sample.fire(axil_sample.R):
            self._answer(self._reads, sample, axil_sample.RRESP)
        if sample.fire(axil_sample.AW):
            self._aw.append(sample.values["aw"])
        if sample.fire(axil_sample.W):
            self._w.append(sample.values["w"])
        if sample.fire(axil_sample.AR):
            self._request(self._reads, sample, AxilItem(address=sample.values["ar"]))
        while self._aw and self._w:
            word = self._w.popleft()
            item = AxilItem(write=True, address=self._aw.popleft(), data=word & 0xFFFFFFFF,
                            strobe=word >> 32)
            self._request(self._writes, sample, item)

    def _request(self, queue: deque[AxilItem], sample: axil_sample.AxilSample,
                 item: AxilItem) -> None:
        item.accept_cycle = sample.cycle
        queue.append(item)
        self.request_ap.write(item)

    def _answer(self, queue: deque[AxilItem], sample: axil_sample.AxilSample, resp: int) -> None:
        if not queue:
            self.logger.error("AXIL_UNASKED: a response to no request")
            return
        item = queue.popleft()
        if not item.write:
            item.data = sample.values["r"]
        item.response, item.done_cycle = sample.field(resp), sample.cycle
        self.logger.debug("%s", item)
        self.ap.write(item)
