# SPDX-License-Identifier: Apache-2.0
"""sat_s_scratchpad: column c answers c cycles after column 0, in each half if folded; two write
ports, every M."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.stimulus import mixed_fp16
from tb.common.buses import NORTH, S_CMD
from tb.common.clock import start
from tb.common.lanes import pack, pack_array, unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2
from tb.common.wide import widen

LATENCY = 4


@cocotb.test()
@cocotb.parametrize(m_log2=[0, 1, 2, 3, 4], p_write=[0.0, 0.6])
async def test_reads(dut, m_log2, p_write):
    rng = make_rng(f"{m_log2} {p_write}")
    cols, depth = parameters(dut, "COLS", "S_DEPTH")
    values, indices = np.zeros((depth, cols), np.uint16), np.zeros((depth, cols), np.uint8)
    mask = (1 << m_log2) - 1
    await start(dut)
    commands: list[tuple | None] = []
    expected: list[list[int | None]] = []
    east = cols // 2
    folded, pause = False, 0  # cycles until a folded command may begin
    for cycle in range(depth + 500):
        if cycle >= LATENCY:
            north = unpack(dut.north_o.value.to_unsigned(), NORTH.bits, cols)
            for col, word in enumerate(expected[cycle - LATENCY]):
                assert NORTH.get(north[col], "valid") == (word is not None)
                assert word in (None, north[col]), f"column {col}"
                # A PE heeds FIRST also of a weight that is not valid. Reset does not clear it.
                quiet = word is not None or not NORTH.get(north[col], "first")
                assert quiet or cycle < LATENCY + cols, f"column {col}"

        fill = cycle < depth
        if rng.random() < 0.05:
            pause = 0 if folded else east
            folded = not folded
        valid = not fill and rng.random() < 0.8 and not pause
        pause = max(pause - 1, 0)
        flags = dict(zip(("first", "last", "half", "side"), map(int, rng.integers(0, 2, 4))))
        flags["fold"] = int(folded)
        flags["first"] &= int(valid)
        block, address = int(rng.integers(16)) & ~mask, int(rng.integers(depth))
        commands.append((flags, block, address) if valid else None)
        command = S_CMD.pack(valid=int(valid), block=block, mask=mask, **flags)
        dut.cmd_i.value = command << log2(depth) | address
        now: list[int | None] = [None] * cols
        for col in range(cols):
            half, place = divmod(col, east)
            for fold, age in ((0, col), (1, place)):
                command = commands[cycle - age] if cycle >= age else None
                if not command or command[0]["fold"] != fold:
                    continue
                flags, block, address = command
                bank = place + east * (flags["side"] if fold else half)
                wide = widen(int(values[address, bank]))
                pe_address = flags["half"] << 4 | block | int(indices[address, bank]) & mask
                assert now[col] is None
                now[col] = NORTH.pack(valid=1, first=flags["first"], last=flags["last"],
                                      addr=pe_address, wide=wide)
        expected.append(now)

        asked = {command[2] for command in commands[-cols:] if command}
        free = [cycle] if fill else [*set(range(depth)) - asked]  # no word is read while written
        write = bool(free) and (fill or rng.random() < p_write)
        address = int(rng.choice(free or [0]))
        word = mixed_fp16(rng, cols, 0.2)
        dut.value_we_i.value, dut.value_addr_i.value = int(write), address
        dut.value_word_i.value = pack_array(word)
        if write:
            values[address] = word
        write = bool(free) and (fill or rng.random() < p_write)
        address = int(rng.choice(free or [0]))
        nibbles = rng.integers(0, 16, cols)
        dut.index_we_i.value, dut.index_addr_i.value = int(write), address
        dut.index_word_i.value = pack(nibbles, 4)
        if write:
            indices[address] = nibbles
        await FallingEdge(dut.clk)
