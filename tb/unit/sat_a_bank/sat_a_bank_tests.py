# SPDX-License-Identifier: Apache-2.0
"""sat_a_bank: commands become PE writes three cycles later; lanes, padding, passing on, reset."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.stimulus import mixed_fp16
from tb.common.buses import A_CMD, WEST
from tb.common.clock import start
from tb.common.lanes import pack_array
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2
from tb.common.wide import widen

LATENCY = 3


@cocotb.test()
@cocotb.parametrize(p_read=[1.0, 0.4], p_write=[0.0, 0.6])
async def test_reads(dut, p_read, p_write):
    rng = make_rng(f"{p_read} {p_write}")
    depth, lanes = parameters(dut, "A_DEPTH", "LANES")
    memory = np.zeros((depth, lanes), np.uint16)
    await start(dut)
    expected: list[int | None] = []  # per cycle: what leaves for the array, None if nothing
    command = None
    for cycle in range(depth + 3000):
        if command is not None:
            assert dut.cmd_o.value.to_unsigned() == command
        if cycle >= LATENCY:
            west, word = dut.west_o.value.to_unsigned(), expected[cycle - LATENCY]
            assert WEST.get(west, "write") == (word is not None)
            assert word in (None, west)

        fill = cycle < depth
        address = int(rng.integers(depth))
        lane, zero = int(rng.integers(lanes)), rng.random() < 0.1
        pe_address = int(rng.integers(32))
        read = not fill and rng.random() < p_read
        command = A_CMD.pack(write=int(read), addr=pe_address, zero=int(zero))
        command = (command << log2(lanes) | lane) << log2(depth) | address
        dut.cmd_i.value = command
        value = 0 if zero else int(memory[address, lane])
        expected.append(WEST.pack(write=1, addr=pe_address, wide=widen(value)) if read else None)

        enable = np.ones(lanes, bool) if fill else rng.random(lanes) < p_write * rng.integers(2)
        address = cycle if fill else int(rng.integers(depth))
        values = mixed_fp16(rng, lanes, 0.3)
        dut.write_lane_i.value = int(np.packbits(enable, bitorder="little")[0])
        dut.write_addr_i.value = address
        dut.write_word_i.value = pack_array(values)
        memory[address, enable] = values[enable]  # a read in this cycle still sees the old word
        await FallingEdge(dut.clk)


@cocotb.test()
async def test_reset(dut):
    depth, lanes = parameters(dut, "A_DEPTH", "LANES")
    await start(dut)
    for _ in range(4):
        dut.cmd_i.value = A_CMD.pack(write=1) << log2(lanes) + log2(depth)
        await FallingEdge(dut.clk)
    dut.rst_n.value = dut.cmd_i.value = 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    for _ in range(4):
        assert not WEST.get(dut.west_o.value.to_unsigned(), "write")
        command = dut.cmd_o.value.to_unsigned() >> log2(lanes) + log2(depth)
        assert not A_CMD.get(command, "write")
        await FallingEdge(dut.clk)
