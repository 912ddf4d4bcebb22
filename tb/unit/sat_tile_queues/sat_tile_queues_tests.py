# SPDX-License-Identifier: Apache-2.0
"""sat_tile_queues: every sink that wants tiles gets all of them, in order, when they begin."""

from __future__ import annotations

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from tb.common.buses import TILE
from tb.common.clock import start
from tb.common.lanes import unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

AHEAD = 4
LAST = TILE.pack(last=1)


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(p_sink=[0.9, 0.1], p_end=[0.9, 0.2])
async def test_random_commands(dut, p_sink, p_end):
    rng = make_rng(f"{p_sink} {p_end}")
    sinks, = parameters(dut, "SINKS")
    await start(dut)
    assert dut.done_o.value
    full = 0
    for _ in range(40):
        wanted = [bool(bit) for bit in rng.integers(2, size=sinks)]
        wanted[int(rng.integers(sinks))] = True
        tiles = [int(rng.integers(LAST)) for _ in range(int(rng.integers(1, 12)))]
        tiles[-1] |= LAST
        queues: list[deque[int]] = [deque() for _ in range(sinks)]
        begun, number, left = False, 0, [len(tiles) if want else 0 for want in wanted]
        for name in ("tile_valid_i", "tile_end_i", "sink_ready_i"):
            dut[name].value = 0
        dut.start_i.value = 1
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        dut.wanted_i.value = sum(1 << sink for sink, want in enumerate(wanted) if want)
        assert not dut.done_o.value
        cycles = 0
        while begun or number < len(tiles) or any(left):
            cycles += 1
            assert cycles < 5000
            valid = number < len(tiles)
            end = begun and bool(rng.random() < p_end)
            room = bool(rng.random() < 0.7)
            dut.tile_valid_i.value = int(valid)
            dut.tile_i.value = tiles[number] if valid else int(rng.integers(LAST))
            dut.tile_end_i.value, dut.room_i.value = int(end), int(room)
            ready = [bool(queue) and bool(rng.random() < p_sink) for queue in queues]
            dut.sink_ready_i.value = sum(1 << sink for sink, bit in enumerate(ready) if bit)
            await ReadOnly()
            begins = valid and not begun and room and all(len(queue) < AHEAD for queue in queues)
            full += not begins and any(len(queue) == AHEAD for queue in queues)
            assert bool(dut.begin_o.value) == begins
            assert bool(dut.begun_o.value) == (begun or begins)
            assert unpack(dut.sink_valid_o.value.to_unsigned(), 1, sinks) == list(
                map(bool, queues))
            seen = unpack(dut.sink_tile_o.value.to_unsigned(), TILE.bits, sinks)
            assert all(tile == queue[0] for tile, queue in zip(seen, queues) if queue)
            for sink, taken in enumerate(ready):
                if taken:
                    queues[sink].popleft()
                    left[sink] -= 1
                if begins and wanted[sink]:
                    queues[sink].append(tiles[number])
            if end:
                number += 1
            begun = (begun or begins) and not end
            await FallingEdge(dut.clk)
            assert bool(dut.done_o.value) == (not any(left))
    assert full or p_sink == 0.9
