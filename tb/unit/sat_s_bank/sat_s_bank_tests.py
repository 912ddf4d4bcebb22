# SPDX-License-Identifier: Apache-2.0
"""sat_s_bank: commands become weights four cycles later, with the address their index makes."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.stimulus import mixed_fp16
from tb.common.buses import NORTH, S_CMD
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2
from tb.common.wide import widen

LATENCY = 4


@cocotb.test()
@cocotb.parametrize(m_log2=[0, 1, 3, 4], p_read=[1.0, 0.4], p_write=[0.0, 0.6])
async def test_reads(dut, m_log2, p_read, p_write):
    rng = make_rng(f"{m_log2} {p_read} {p_write}")
    (depth,) = parameters(dut, "S_DEPTH")
    values, indices = np.zeros(depth, np.uint16), np.zeros(depth, np.uint8)
    mask = (1 << m_log2) - 1
    await start(dut)
    expected: list[tuple[bool, int]] = []
    turns: list[tuple[int, int]] = []
    command = None
    for cycle in range(depth + 1000):
        if command is not None:
            assert dut.cmd_o.value.to_unsigned() == command
        if cycle >= LATENCY:
            north, (valid, word) = dut.north_o.value.to_unsigned(), expected[cycle - LATENCY]
            assert north == word if valid else not NORTH.get(north, "valid")
            assert (dut.fold_o.value, dut.side_o.value) == turns[cycle - LATENCY]

        fill = cycle < depth
        read = int(rng.integers(depth))
        valid = not fill and rng.random() < p_read
        first, last, half, fold, side = map(int, rng.integers(0, 2, 5))
        turns.append((int(fold and valid), side))
        block = int(rng.integers(16)) & ~mask
        command = S_CMD.pack(valid=int(valid), first=first, last=last, half=half, fold=fold,
                             side=side, block=block, mask=mask)
        command = command << log2(depth) | read
        dut.cmd_i.value = command
        wide = widen(int(values[read]))
        pe_address = half << 4 | block | int(indices[read]) & mask
        expected.append((valid, NORTH.pack(valid=1, first=first, last=last, addr=pe_address,
                                           wide=wide)))

        for name, memory, data in (("value", values, mixed_fp16(rng, (), 0.3)),
                                   ("index", indices, rng.integers(16))):
            write = fill or rng.random() < p_write
            # No memory is asked for the word that is being written.
            address = cycle if fill else (read + int(rng.integers(1, depth))) % depth
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
    for _ in range(LATENCY + 1):
        dut.cmd_i.value = S_CMD.pack(valid=1) << log2(depth)
        await FallingEdge(dut.clk)
    dut.rst_n.value = dut.cmd_i.value = 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    for _ in range(LATENCY + 1):
        assert not NORTH.get(dut.north_o.value.to_unsigned(), "valid")
        assert not S_CMD.get(dut.cmd_o.value.to_unsigned() >> log2(depth), "valid")
        await FallingEdge(dut.clk)
