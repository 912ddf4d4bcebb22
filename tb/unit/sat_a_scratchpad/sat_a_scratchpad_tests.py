# SPDX-License-Identifier: Apache-2.0
"""sat_a_scratchpad: row r answers r cycles after row 0; one or two beats to one bank, columns to
any, each in one of its RAMs."""

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

LATENCY = 4


@cocotb.test()
@cocotb.parametrize(p_read=[1.0, 0.4], p_write=[0.0, 0.6])
async def test_reads(dut, p_read, p_write):
    rng = make_rng(f"{p_read} {p_write}")
    rows, depth, lanes = parameters(dut, "ROWS", "A_DEPTH", "LANES")
    depth //= 2  # of each RAM
    memory = np.zeros((2, rows, depth, lanes), np.uint16)
    await start(dut)
    commands: list[tuple | None] = []
    expected: list[list[tuple | None]] = []
    fill = 2 * depth * lanes
    for cycle in range(fill + 1500):
        if cycle >= LATENCY:
            for edge, port in enumerate((dut.west_o, dut.center_o)):
                actual = unpack(port.value.to_unsigned(), WEST.bits, rows)
                for row, words in enumerate(expected[cycle - LATENCY]):
                    word = words and words[edge]
                    assert WEST.get(actual[row], "write") == (word is not None)
                    assert word in (None, actual[row]), f"edge {edge} row {row}"

        read = cycle >= fill and rng.random() < p_read
        low, high, lane, pe_address, fold, swap = (
            int(rng.integers(x)) for x in (depth, depth, lanes, 32, 2, 2))
        commands.append((pe_address, lane, (low, high), fold, swap) if read else None)
        command = A_CMD.pack(write=int(read), addr=pe_address, fold=fold, swap=swap)
        place = (lane << log2(depth) | high) << log2(depth) | low
        dut.cmd_i.value = command << log2(lanes * depth * depth) | place
        now: list[tuple | None] = [None] * rows
        for row in range(rows):
            sent = commands[cycle - row] if cycle >= row else None
            if sent:
                pe_address, lane, places, fold, swap = sent
                edges = [WEST.pack(write=1, addr=pe_address,
                                   wide=widen(int(memory[ram, row, places[ram], lane])))
                         for ram in (swap, 1 - swap)]
                now[row] = edges[0], edges[1] if fold else None
        expected.append(now)

        # The filling is all columns: word by word, lane by lane.
        column = cycle < fill or rng.random() < 0.5
        # No word is read while it is written.
        asked = [{command[2][ram] for command in commands[-rows:] if command} for ram in (0, 1)]
        free = [[*set(range(depth)) - places] for places in asked]
        write = cycle < fill or (all(free) and rng.random() < p_write)
        ram, place = divmod(cycle, fill // 2)
        lane, address = divmod(place, depth) if cycle < fill else (int(rng.integers(lanes)), 0)
        addresses = [address, address] if cycle < fill else [
            int(rng.choice(places or [0])) for places in free]
        rams = int(rng.integers(1, 4))
        bank = int(rng.integers(rows))
        values, beats = mixed_fp16(rng, rows, 0.2), mixed_fp16(rng, (2, lanes), 0.2)
        dut.write_trans_i.value = int(column)
        every = (1 << rows) - 1
        # The banks that RAM 0 is written of, and RAM 1.
        if cycle < fill:
            banks = [every * (1 - ram), every * ram]
        elif column:
            taken, high_ram = (int(rng.integers(1 << rows)) for _ in range(2))
            banks = [taken & ~high_ram, taken & high_ram]
        else:
            banks = [(rams & 1) << bank, (rams >> 1) << bank]
        dut.write_bank_i.value = (banks[1] << rows | banks[0]) * write
        dut.write_lane_i.value = 1 << lane if column else (1 << lanes) - 1
        dut.write_addr_i.value = addresses[1] << log2(depth) | addresses[0]
        dut.write_beat_i.value = pack_array(beats.ravel())
        dut.write_column_i.value = pack_array(values)
        for ram in (0, 1):
            for row in range(rows) if write else ():
                if banks[ram] >> row & 1:
                    if column:
                        memory[ram, row, addresses[ram], lane] = values[row]
                    else:
                        memory[ram, row, addresses[ram]] = beats[ram]
        await FallingEdge(dut.clk)
