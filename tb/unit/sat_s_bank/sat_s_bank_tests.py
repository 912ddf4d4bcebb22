# SPDX-License-Identifier: Apache-2.0
"""sat_s_bank: commands become weights three cycles later, with the address their index makes."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.stimulus import mixed_fp16
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2
from tb.common.wide import widen

LATENCY = 3


@cocotb.test()
@cocotb.parametrize(m_log2=[0, 1, 3, 4], p_read=[1.0, 0.4], p_write=[0.0, 0.6])
async def test_reads(dut, m_log2, p_read, p_write):
    rng = make_rng(f"{m_log2} {p_read} {p_write}")
    (depth,) = parameters(dut, "S_DEPTH")
    values, indices = np.zeros(depth, np.uint16), np.zeros(depth, np.uint8)
    mask = (1 << m_log2) - 1
    await start(dut, index_mask_i=mask)
    expected: list[tuple[bool, int]] = []
    command = None
    for cycle in range(depth + 1000):
        if command is not None:
            assert dut.cmd_o.value.to_unsigned() == command
        if cycle >= LATENCY:
            north, (valid, word) = dut.north_o.value.to_unsigned(), expected[cycle - LATENCY]
            assert north == word if valid else not north >> 24

        fill = cycle < depth
        address = int(rng.integers(depth))
        valid, flags = not fill and rng.random() < p_read, int(rng.integers(8))
        block = int(rng.integers(16)) & ~mask
        command = (int(valid) << 3 | flags) << 4 << log2(depth) | block << log2(depth) | address
        dut.cmd_i.value = command
        wide = widen(int(values[address]))
        expected.append((valid, 1 << 24 | flags << 21
                         | (block | int(indices[address]) & mask) << 17 | wide))

        for name, memory, data in (("value", values, mixed_fp16(rng, (), 0.3)),
                                   ("index", indices, rng.integers(16))):
            write = fill or rng.random() < p_write
            address = cycle if fill else int(rng.integers(depth))
            getattr(dut, f"{name}_we_i").value = int(write)
            getattr(dut, f"{name}_addr_i").value = address
            getattr(dut, f"{name}_i").value = int(data)
            if write:
                memory[address] = data
        await FallingEdge(dut.clk)


@cocotb.test()
async def test_reset(dut):
    (depth,) = parameters(dut, "S_DEPTH")
    await start(dut)
    for _ in range(4):
        dut.cmd_i.value = 1 << 7 + log2(depth)
        await FallingEdge(dut.clk)
    dut.rst_n.value = dut.cmd_i.value = 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    for _ in range(4):
        assert dut.north_o.value.to_unsigned() >> 24 == 0
        assert dut.cmd_o.value.to_unsigned() >> 7 + log2(depth) == 0
        await FallingEdge(dut.clk)
