# SPDX-License-Identifier: Apache-2.0
"""sat_out_buffer: skewed columns come out as words, readable from row_done_o on."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from tb.common.buses import ACC, DRAIN
from tb.common.clock import start
from tb.common.lanes import pack, unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

VALID = DRAIN.pack(valid=1)


async def run_tiles(dut, rng: np.random.Generator, tiles: int, p_pause: float) -> None:
    """Tiles in turn: T sums at a time without gaps, column c being c cycles behind."""
    rows, cols, t = parameters(dut, "ROWS", "COLS", "T")
    blocks = tiles * rows
    words = rng.integers(0, 1 << 31, (blocks * t, cols))
    begins, cycle = [], cols + 2
    for block in range(blocks):  # a tile's rows follow each other closely
        if block % rows == 0:
            cycle += int(rng.integers(1, 20)) * (rng.random() < p_pause)
        begins.append(cycle)
        cycle += t
    arrival = {begins[block] + step: block * t + step for block in range(blocks)
               for step in range(t)}
    ready = latest = 0  # PE rows that may be read, youngest word
    for now in range(cycle + cols + 2):
        ready += int(dut.row_done_o.value)
        due = sum(begin + t + cols - 1 <= now for begin in begins)
        assert ready == due, "row_done_o is early or late"
        numbers = [arrival.get(now - col) for col in range(cols)]
        dut.drain_i.value = pack(
            [0 if number is None else VALID | int(words[number, col])
             for col, number in enumerate(numbers)], DRAIN.bits)
        # Any word of the two latest tiles that is complete, and not yet being overwritten.
        latest = max([latest, *(number for number in numbers if number is not None)])
        oldest = max(0, (latest // t + 1 - 2 * rows) * t + t)
        number = int(rng.integers(oldest, ready * t)) if oldest < ready * t else None
        dut.addr_i.value = 0 if number is None else number % (2 * rows * t)
        await FallingEdge(dut.clk)
        if number is not None:
            actual = unpack(dut.word_o.value.to_unsigned(), ACC.bits, cols)
            assert actual == [int(word) for word in words[number]], f"word {number}"


@cocotb.test()
@cocotb.parametrize(p_pause=[0.0, 0.7])
async def test_words(dut, p_pause):
    rng = make_rng(f"{p_pause}")
    await start(dut, drain_i=0)
    await run_tiles(dut, rng, 17, p_pause)
