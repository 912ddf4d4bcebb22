# SPDX-License-Identifier: Apache-2.0
"""The only code that touches the memory port's pins."""

from __future__ import annotations

import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge

from sat_golden.memory import ErrorRegion
from tb.common.axi_memory import number, prefix_pins
from tb.uvm.agents.axi_mem.axi_mem_item import AxiMemItem
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs
from tb.uvm.agents.axi_mem.axi_sample import AxiSample
from tb.uvm.agents.axi_mem.tunable_memory import TunableMemory


class AxiMemBfm:
    """`size` bytes of memory at `base`; answers the core, and samples the port."""

    def __init__(self, dut, rng: np.random.Generator, base: int, size: int) -> None:
        self._dut = dut
        for name in ("m_axi_bid", "m_axi_rid"):
            getattr(dut, name).value = 0
        self._memory = TunableMemory(dut.aclk, dut.aresetn, prefix_pins(dut), size, rng,
                                     AxiMemKnobs().memory_cfg(), base)
        self.base = base
        self.error_regions: list[ErrorRegion] = []

    @property
    def image(self) -> np.ndarray:
        """The memory itself, for back-door access."""
        return self._memory.image

    @property
    def outstanding(self) -> bool:
        return self._memory.outstanding

    def apply(self, item: AxiMemItem) -> None:
        if item.image is not None:
            self._memory.image[:] = item.image
        if item.errors is not None:
            self.error_regions = list(item.errors)
            self._memory.clear_errors()
            for region in item.errors:
                self._memory.add_error(region.start, region.end - region.start,
                                       region.response, region.on_read, region.on_write)
        if item.knobs is not None:
            self._memory.tune(item.knobs.memory_cfg())
        if item.silent is not None:
            self._memory.dead = item.silent

    async def sample(self, idle: bool) -> AxiSample:
        """The next cycle's sample; after an `idle` one, the next that is not idle."""
        dut = self._dut
        if idle and not dut.axi_active_q.value:
            await RisingEdge(dut.axi_active_q)
        await FallingEdge(dut.aclk)
        ctl = number(dut.axi_ctl_q)
        values = {name: number(getattr(dut, f"axi_{name}_q"))
                  for name, valid in AxiSample.PAYLOADS.items() if ctl >> valid & 1}
        return AxiSample(number(dut.cycle_q), ctl, values)
