# SPDX-License-Identifier: Apache-2.0
"""sat_unpack: rows of beats become words, split or merged, with gaps in both beats and rows."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng


def draw_row(rng, beat_w: int, word_w: int) -> dict:
    """Beats of a row, and the words (with the bits that count) they hold."""
    unit_w = min(beat_w, word_w)
    per_beat = beat_w // unit_w
    first = int(rng.integers(per_beat))
    units = int(rng.integers(1, 3 * max(per_beat, word_w // unit_w) + 2))
    beats = [int.from_bytes(rng.bytes(beat_w // 8), "little")
             for _ in range(-(-(first + units) // per_beat))]
    stream = sum(beat << place * beat_w for place, beat in enumerate(beats)) >> first * unit_w
    words = []
    for at in range(0, units * unit_w, word_w):
        bits = min(word_w, units * unit_w - at)
        words.append((stream >> at & ((1 << bits) - 1), bits))
    return {"start": first, "units": units, "beats": beats, "words": words}


@cocotb.test()
@cocotb.parametrize(p_beat=[1.0, 0.4], p_row=[1.0, 0.3])
async def test_rows(dut, p_beat, p_row):
    rng = make_rng(f"{p_beat} {p_row}")
    beat_w, word_w = parameters(dut, "BEAT_W", "WORD_W")
    await start(dut)
    for _ in range(150):
        while rng.random() >= p_row:  # beats may wait for the row's description
            dut.row_valid_i.value = 0
            dut.beat_valid_i.value = int(rng.random() < p_beat)
            await Timer(1, "ns")
            assert not (dut.word_valid_o.value or dut.row_done_o.value or dut.beat_ready_o.value)
            await FallingEdge(dut.clk)
        row = draw_row(rng, beat_w, word_w)
        dut.row_valid_i.value = 1
        dut.row_start_i.value, dut.row_units_i.value = row["start"], row["units"]
        beat = word = cycles = 0
        done = False
        while not done:
            valid = rng.random() < p_beat
            dut.beat_valid_i.value = int(valid)
            dut.beat_i.value = row["beats"][beat] if valid else 0
            await Timer(1, "ns")
            if dut.word_valid_o.value:
                expected, bits = row["words"][word]
                assert dut.word_o.value.to_unsigned() & ((1 << bits) - 1) == expected
                assert dut.word_index_o.value.to_unsigned() == word
                word += 1
            done = bool(dut.row_done_o.value)
            beat += valid and bool(dut.beat_ready_o.value)
            cycles += 1
            assert cycles < 1000
            await FallingEdge(dut.clk)
        assert (beat, word) == (len(row["beats"]), len(row["words"]))
        if p_beat == 1.0:
            assert cycles == row["units"]


@cocotb.test()
async def test_reset_forgets_the_row(dut):
    """What is left of it is not waited for: the next row begins with its first unit."""
    rng = make_rng("reset")
    beat_w, word_w = parameters(dut, "BEAT_W", "WORD_W")
    whole = max(1, word_w // beat_w)  # units of a word
    await start(dut)
    for _ in range(20):
        dut.row_valid_i.value = dut.beat_valid_i.value = 1
        dut.row_start_i.value, dut.row_units_i.value = 0, 4 * whole
        for _ in range(int(rng.integers(1, 4 * whole))):
            await FallingEdge(dut.clk)
        dut.rst_n.value = dut.row_valid_i.value = 0
        await FallingEdge(dut.clk)
        dut.rst_n.value = dut.row_valid_i.value = 1
        dut.row_units_i.value = whole
        for unit in range(whole):
            await Timer(1, "ns")
            last = unit == whole - 1
            assert bool(dut.row_done_o.value) == bool(dut.word_valid_o.value) == last
            if last:
                assert dut.word_index_o.value.to_unsigned() == 0
            await FallingEdge(dut.clk)
        dut.row_valid_i.value = 0
