# SPDX-License-Identifier: Apache-2.0
"""sat_a_scratchpad: row r answers r cycles after row 0; beats to one bank, columns to all."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.stimulus import mixed_fp16
from tb.common.buses import A_CMD, WEST
from tb.common.clock import start
from tb.common.lanes import pack_array, unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2
from tb.common.wide import widen

LATENCY = 3


@cocotb.test()
@cocotb.parametrize(p_read=[1.0, 0.4], p_write=[0.0, 0.6])
async def test_reads(dut, p_read, p_write):
    rng = make_rng(f"{p_read} {p_write}")
    rows, depth, lanes = parameters(dut, "ROWS", "A_DEPTH", "LANES")
    memory = np.zeros((rows, depth, lanes), np.uint16)
    await start(dut)
    commands: list[tuple | None] = []
    expected: list[list[int | None]] = []
    fill = depth * lanes
    for cycle in range(fill + 1500):
        if cycle >= LATENCY:
            west = unpack(dut.west_o.value.to_unsigned(), WEST.bits, rows)
            for row, word in enumerate(expected[cycle - LATENCY]):
                assert WEST.get(west[row], "write") == (word is not None)
                assert word in (None, west[row]), f"row {row}"

        read = cycle >= fill and rng.random() < p_read
        address, lane, pe_address = (int(rng.integers(x)) for x in (depth, lanes, 32))
        commands.append((pe_address, lane, address) if read else None)
        command = A_CMD.pack(write=int(read), addr=pe_address)
        dut.cmd_i.value = (command << log2(lanes) | lane) << log2(depth) | address
        now: list[int | None] = [None] * rows
        for row in range(rows):
            command = commands[cycle - row] if cycle >= row else None
            if command:
                value = int(memory[row, command[2], command[1]])
                now[row] = WEST.pack(write=1, addr=command[0], wide=widen(value))
        expected.append(now)

        # The filling is all columns: word by word, lane by lane.
        column = cycle < fill or rng.random() < 0.5
        write = cycle < fill or rng.random() < p_write
        lane, address = divmod(cycle, depth) if cycle < fill else (
            int(rng.integers(lanes)), int(rng.integers(depth)))
        bank = int(rng.integers(rows))
        values, beat = mixed_fp16(rng, rows, 0.2), mixed_fp16(rng, lanes, 0.2)
        dut.write_trans_i.value = int(column)
        dut.write_bank_i.value = ((1 << rows) - 1 if column else 1 << bank) * write
        dut.write_lane_i.value = 1 << lane if column else (1 << lanes) - 1
        dut.write_addr_i.value = address
        dut.write_beat_i.value = pack_array(beat)
        dut.write_column_i.value = pack_array(values)
        if write and column:
            memory[:, address, lane] = values
        elif write:
            memory[bank, address] = beat
        await FallingEdge(dut.clk)
