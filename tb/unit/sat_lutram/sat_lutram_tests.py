# SPDX-License-Identifier: Apache-2.0
"""sat_lutram against a list: asynchronous reads, writes at the clock."""

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
async def test_random_reads_and_writes(dut):
    await start(dut)
    rng = make_rng("accesses")
    model = [None] * 8
    for _ in range(2000):
        write, waddr, raddr = rng.random() < 0.5, int(rng.integers(8)), int(rng.integers(8))
        data = int(rng.integers(1 << 16))
        dut.we_i.value = int(write)
        dut.waddr_i.value = waddr
        dut.wdata_i.value = data
        dut.raddr_i.value = raddr
        await Timer(1, unit="ns")
        if model[raddr] is not None:
            assert dut.rdata_o.value.to_unsigned() == model[raddr]
        if write:
            model[waddr] = data
        await FallingEdge(dut.clk)
