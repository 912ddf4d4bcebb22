# SPDX-License-Identifier: Apache-2.0
"""sat_ram_1r1w against a list: lane writes, registered reads that hold; on collision the
complement of old data, with which assertions show who relies on anything."""

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
async def test_random_reads_and_writes(dut):
    await start(dut)
    rng = make_rng("accesses")
    depth, width, lanes = 1 << len(dut.raddr_i), len(dut.wdata_i), len(dut.we_i)
    lane_width = width // lanes
    model = [0] * depth
    for address in range(depth):
        dut.waddr_i.value = address
        dut.wdata_i.value = 0
        dut.we_i.value = (1 << lanes) - 1
        await FallingEdge(dut.clk)
    expected, collisions, held = None, 0, 0
    for _ in range(3000):
        enables, waddr, raddr = (int(rng.integers(limit)) for limit in (1 << lanes, depth, depth))
        data, read = int(rng.integers(1 << width)), rng.random() < 0.6
        dut.we_i.value = enables
        dut.waddr_i.value = waddr
        dut.wdata_i.value = data
        dut.re_i.value = int(read)
        dut.raddr_i.value = raddr
        if read:
            met = bool(enables) and waddr == raddr
            expected = model[raddr] ^ ((1 << width) - 1 if met else 0)
            collisions += met
        else:
            held += 1
        mask = sum(((1 << lane_width) - 1) << lane_width * lane
                   for lane in range(lanes) if enables >> lane & 1)
        model[waddr] = model[waddr] & ~mask | data & mask
        await FallingEdge(dut.clk)
        if expected is not None:
            assert dut.rdata_o.value.to_unsigned() == expected
    assert collisions and held
