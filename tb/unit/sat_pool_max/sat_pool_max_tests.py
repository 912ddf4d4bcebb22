# SPDX-License-Identifier: Apache-2.0
"""sat_pool_max against the golden maximum, element by element: random windows, stalls of pieces, of
X and of the credits."""

from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from sat_golden.reference import max_pool
from tb.common.clock import start
from tb.common.lanes import pack, unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

BEATS = 8  # of a band
LATENCY = 2
SPECIALS = (0x0000, 0x8000, 0x7C00, 0xFC00, 0x7E00, 0xFE00, 0x0001, 0x8001)


def draw_window(rng, positions, beats, lanes):
    """{position inside: [beat][lane]}"""
    window, outside = {}, rng.choice([0.1, 0.9])
    for position in range(positions):
        values = rng.integers(1 << 16, size=(beats, lanes))
        special = rng.random(values.shape) < 0.4
        values[special] = rng.choice(SPECIALS, special.sum())
        if rng.random() > outside:
            window[position] = values
    return window


class Bench:
    """Plays windows. Their beats come LATENCY cycles after the places have been reserved."""

    def __init__(self, dut, rng, chance):
        self.dut, self.rng, self.chance = dut, rng, chance
        self.lanes = parameters(dut, "DATA_W")[0] // 16
        self.due: deque = deque([(0, False, 0, [], [])] * LATENCY)

    async def cycle(self, leaves=0, band_last=False, beat=0, out=None, winner=None):
        """One clock. What `leaves` now (bits: WINNER, OUT) is appended to `out` and `winner` later;
        it is beat `beat` of its window."""
        dut, lanes = self.dut, self.lanes
        self.due.append((leaves, band_last, beat, out, winner))
        leaves, band_last, beat, out, winner = self.due.popleft()
        assert dut.out_valid_o.value.to_unsigned() == leaves
        if leaves:
            data = dut.out_data_o.value.to_unsigned()
            out += unpack(data & (1 << 16 * lanes) - 1, 16, lanes)
            assert bool(dut.out_band_last_o.value) == band_last
            if leaves & 2:
                winner += unpack(data >> 16 * lanes, 4, lanes * (beat % 4 + 1))
        await FallingEdge(dut.clk)

    async def play(self, window, beats, band_last):
        """The window's (OUT [channel], WINNER [channel]), complete LATENCY cycles later."""
        dut, rng = self.dut, self.rng
        out: list[int] = []
        winner: list[int] = []
        pieces = list(window.items()) or [(int(rng.integers(16)), None)]
        for number, (position, values) in enumerate(pieces):
            first, last, empty = number == 0, number == len(pieces) - 1, values is None
            beat = 0
            while beat < beats:
                valid, queue, credit = rng.random(3) < self.chance
                code = int(band_last and last) << 10 | last << 9 | first << 8 | empty << 7
                dut.piece_i.value = code | position << 3 | beats - 1
                dut.piece_valid_i.value = int(valid)
                dut.queue_valid_i.value = int(queue and not empty)
                if queue and not empty:
                    dut.queue_data_i.value = pack([int(value) for value in values[beat]], 16)
                dut.credit_i.value = 3 if credit else int(rng.integers(3))
                await Timer(1, "ns")
                steps = valid and (queue or empty) and (not last or credit)
                assert bool(dut.queue_ready_o.value) == (steps and not empty)
                assert bool(dut.piece_ready_o.value) == (steps and beat == beats - 1)
                full = beat == beats - 1 or beat % 4 == 3
                leaves = (1 + 2 * full) if steps and last else 0
                assert dut.reserve_o.value.to_unsigned() == leaves
                await self.cycle(leaves, band_last, beat, out, winner)
                beat += bool(steps)
        dut.piece_valid_i.value = 0
        return out, winner


@cocotb.test()
@cocotb.parametrize(chance=[1.0, 0.6])
async def test_windows(dut, chance):
    rng = make_rng(f"windows {chance}")
    bench = Bench(dut, rng, chance)
    await start(dut, enable_i=1)
    played = []
    for _ in range(60):
        positions, beats = int(rng.integers(1, 17)), int(rng.integers(1, BEATS + 1))
        window = draw_window(rng, positions, beats, bench.lanes)
        played.append((positions, window, beats * bench.lanes,
                       *await bench.play(window, beats, bool(rng.integers(2)))))
    for _ in range(LATENCY):
        await bench.cycle()
    for positions, window, channels, out, winner in played:
        assert len(out) == len(winner) == channels
        for channel in range(channels):
            seen = [int(np.ravel(window[position])[channel]) if position in window else None
                    for position in range(positions)]
            assert (out[channel], winner[channel]) == max_pool(seen), (channel, seen)


@cocotb.test()
async def test_nothing_happens_for_another_command(dut):
    await start(dut, piece_valid_i=1, queue_valid_i=1, credit_i=3, piece_i=0x300)
    for _ in range(10):
        assert not (dut.piece_ready_o.value or dut.queue_ready_o.value or dut.reserve_o.value
                    or dut.out_valid_o.value)
        await FallingEdge(dut.clk)
