# SPDX-License-Identifier: Apache-2.0
"""The only code that touches the register port's pins."""

from __future__ import annotations

import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge

from tb.common.axi_memory import number
from tb.common.axil import AxilMaster
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.agents.axil.axil_sample import AxilSample


class AxilBfm:
    """Drives an AXI4-Lite slave with prefix `s_axil_`, and samples the port."""

    def __init__(self, dut, rng: np.random.Generator) -> None:
        self._dut = dut
        self._master = AxilMaster(dut, dut.aclk, rng)
        for name in ("s_axil_awprot", "s_axil_arprot"):
            getattr(dut, name).value = 0

    def set_stall(self, stall: float) -> None:
        self._master.stall = stall

    async def transfer(self, item: AxilItem) -> None:
        """Performs the access; fills in what the slave answers."""
        if item.write:
            item.response = await self._master.write(item.address, item.data, item.strobe)
        else:
            item.data, item.response = await self._master.read(item.address)

    async def sample(self, idle: bool) -> AxilSample:
        """The next cycle's sample; after an `idle` one, the next that is not idle."""
        dut = self._dut
        if idle and not dut.axil_active_q.value:
            await RisingEdge(dut.axil_active_q)
        await FallingEdge(dut.aclk)
        ctl = number(dut.axil_ctl_q)
        values = {name: number(getattr(dut, f"axil_{name}_q"))
                  for name, valid in AxilSample.PAYLOADS.items() if ctl >> valid & 1}
        return AxilSample(number(dut.cycle_q), ctl, values)
