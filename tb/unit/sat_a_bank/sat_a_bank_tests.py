# SPDX-License-Identifier: Apache-2.0
"""sat_a_bank: commands become PE writes four cycles later; RAMs, lanes, padding, folding, passing
on, reset."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.stimulus import mixed_fp16
from tb.common.buses import A_CMD, WEST
from tb.common.clock import start
from tb.common.lanes import pack, pack_array
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2
from tb.common.wide import widen

LATENCY = 4


@cocotb.test()
@cocotb.parametrize(p_read=[1.0, 0.4], p_write=[0.0, 0.6])
async def test_reads(dut, p_read, p_write):
    rng = make_rng(f"{p_read} {p_write}")
    depth, lanes = parameters(dut, "A_DEPTH", "LANES")
    depth //= 2  # of each RAM
    memory = np.zeros((2, depth, lanes), np.uint16)
    await start(dut)
    expected: list[list[int | None]] = []  # per cycle: what leaves for either edge of the array
    command = None
    for cycle in range(depth + 3000):
        if command is not None:
            assert dut.cmd_o.value.to_unsigned() == command
        if cycle >= LATENCY:
            for port, word in zip((dut.west_o, dut.center_o), expected[cycle - LATENCY]):
                actual = port.value.to_unsigned()
                assert WEST.get(actual, "write") == (word is not None), port
                assert word in (None, actual), port

        fill = cycle < depth
        addresses = rng.integers(0, depth, 2).tolist()
        lane, zero = int(rng.integers(lanes)), rng.random() < 0.1
        fold, swap = rng.integers(0, 2, 2).tolist()
        pe_address = int(rng.integers(32))
        read = not fill and rng.random() < p_read
        command = A_CMD.pack(write=int(read), addr=pe_address, zero=int(zero), fold=fold, swap=swap)
        command = (command << log2(lanes) | lane) << 2 * log2(depth)
        command |= addresses[1] << log2(depth) | addresses[0]
        dut.cmd_i.value = command
        words = [WEST.pack(write=1, addr=pe_address,
                           wide=widen(0 if zero else int(memory[ram, addresses[ram], lane])))
                 for ram in (swap, 1 - swap)]
        expected.append([words[0] if read else None, words[1] if read and fold else None])

        enable = rng.random((2, lanes)) < (1 if fill else p_write * rng.integers(2))
        # No RAM is asked for the word that is being written.
        addresses = [cycle, cycle] if fill else [
            (address + int(rng.integers(1, depth))) % depth for address in addresses]
        values = mixed_fp16(rng, (2, lanes), 0.3)
        dut.write_lane_i.value = pack(enable.ravel().tolist(), 1)
        dut.write_addr_i.value = addresses[1] << log2(depth) | addresses[0]
        dut.write_word_i.value = pack_array(values.ravel())
        for ram in (0, 1):
            memory[ram, addresses[ram], enable[ram]] = values[ram, enable[ram]]
        await FallingEdge(dut.clk)


@cocotb.test()
async def test_reset(dut):
    depth, lanes = parameters(dut, "A_DEPTH", "LANES")
    await start(dut)
    for _ in range(LATENCY + 1):
        dut.cmd_i.value = A_CMD.pack(write=1, fold=1) << log2(lanes) + 2 * log2(depth) - 2
        await FallingEdge(dut.clk)
    dut.rst_n.value = dut.cmd_i.value = 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    for _ in range(LATENCY + 1):
        assert not WEST.get(dut.west_o.value.to_unsigned(), "write")
        assert not WEST.get(dut.center_o.value.to_unsigned(), "write")
        command = dut.cmd_o.value.to_unsigned() >> log2(lanes) + 2 * log2(depth) - 2
        assert not A_CMD.get(command, "write")
        await FallingEdge(dut.clk)
