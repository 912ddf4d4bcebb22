# SPDX-License-Identifier: Apache-2.0
"""sat_ram_1rw against a list: lane writes, the old word of each access, which holds."""

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
async def test_random_accesses(dut):
    await start(dut)
    rng = make_rng("accesses")
    depth, width, lanes = 1 << len(dut.addr_i), len(dut.wdata_i), len(dut.we_i)
    lane_width = width // lanes
    model = [0] * depth
    dut.en_i.value = 1
    dut.wdata_i.value = 0
    dut.we_i.value = (1 << lanes) - 1
    for address in range(depth):
        dut.addr_i.value = address
        await FallingEdge(dut.clk)
    expected, exchanged, held = None, 0, 0
    for _ in range(3000):
        enables, address = int(rng.integers(1 << lanes)), int(rng.integers(depth))
        data, access = int(rng.integers(1 << width)), rng.random() < 0.6
        dut.en_i.value = int(access)
        dut.we_i.value = enables
        dut.addr_i.value = address
        dut.wdata_i.value = data
        if access:
            expected = model[address]
            exchanged += bool(enables)
            mask = sum(((1 << lane_width) - 1) << lane_width * lane
                       for lane in range(lanes) if enables >> lane & 1)
            model[address] = model[address] & ~mask | data & mask
        else:
            held += bool(enables)
        await FallingEdge(dut.clk)
        if expected is not None:
            assert dut.rdata_o.value.to_unsigned() == expected
    assert exchanged and held
