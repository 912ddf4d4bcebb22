# SPDX-License-Identifier: Apache-2.0
"""sat_tile_loader: tiles in order, from a memory whose words follow from their addresses."""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.matrix import set_inputs
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.unit.sat_vector.tiles import place_inputs, places, tiles_of, walk

OUTPUTS = ("weight_o", "velocity_o", "gradient_o")


class Bench:
    """Serves the read port; `step` is one cycle."""

    def __init__(self, dut, rng, p_stall: float):
        self.dut, self.rng, self.p_stall = dut, rng, p_stall
        self.responses: deque[int] = deque()
        self.beat_bytes = parameters(dut, "DATA_W")[0] // 8
        self.key = int.from_bytes(rng.bytes(self.beat_bytes), "little") | 1

    def word(self, address: int) -> int:
        """What memory holds at an address: every bit of it depends on where that is."""
        return address * self.key % (1 << 8 * self.beat_bytes)

    async def step(self) -> None:
        dut = self.dut
        respond = bool(self.responses) and self.rng.random() >= self.p_stall
        dut.rsp_valid_i.value = int(respond)
        if respond:
            dut.rsp_data_i.value = self.responses.popleft()
        ready = self.rng.random() >= self.p_stall
        dut.req_ready_i.value = int(ready)
        if ready and dut.req_valid_o.value:
            address = dut.req_addr_o.value.to_unsigned()
            beats = dut.req_beats_o.value.to_unsigned()
            assert address % self.beat_bytes == 0
            self.responses += [self.word((address + self.beat_bytes * beat) % (1 << 40))
                               for beat in range(beats)]
        await FallingEdge(dut.clk)


@cocotb.test()
@cocotb.parametrize(p_stall=[0.0, 0.5], kind=["update", "single", "half"])
async def test_loads_every_tile(dut, p_stall, kind):
    rng = make_rng(f"{p_stall} {kind}")
    await start(dut)
    bench = Bench(dut, rng, p_stall)
    element, beat_bytes = 2 if kind == "half" else 4, bench.beat_bytes
    lanes = beat_bytes // 4
    for rows, cols in [(1, 1), (16, 16), (33, 40), (150, 5), *rng.integers(1, 50, (3, 2)).tolist()]:
        bases, strides = places(rng, 3)
        set_inputs(dut, place_inputs(bases, strides) | {"start_i": 1})
        await bench.step()
        dut.start_i.value = 0
        dut.base_i.value = dut.stride_i.value = 0
        dut.update_i.value, dut.half_i.value = int(kind == "update"), int(kind == "half")
        dut.rows_i.value, dut.cols_i.value = rows, cols
        for tile in tiles_of(rows, cols):
            for _ in range(1000):
                await bench.step()
                if dut.tile_valid_o.value and rng.random() >= p_stall:
                    break
            assert dut.tile_o.value.to_unsigned() == tile.pack()
            for row in range(tile.rows):
                for col in range(0, tile.cols, lanes):
                    dut.read_i.value, dut.read_index_i.value = 1, (16 * row + col) // lanes
                    await bench.step()
                    for k in range(3 if kind == "update" else 1):
                        address = (bases[k] + (16 * tile.row + row) * strides[k]
                                   + (16 * tile.col + col) * element) % (1 << 40)
                        word = bench.word(address - address % beat_bytes)
                        assert getattr(dut, OUTPUTS[k]).value.to_unsigned() == word
            dut.read_i.value, dut.tile_ready_i.value = 0, 1
            await bench.step()
            dut.tile_ready_i.value = 0
        for _ in range(20):
            await bench.step()
        assert not dut.req_valid_o.value and not dut.tile_valid_o.value and not bench.responses


@cocotb.test()
async def test_sizes_of_every_magnitude(dut):
    """The first tiles of matrices of any height; tiles in any row of tiles, to which the register
    is set that counts them; and all tiles of tall and wide matrices."""
    rng = make_rng()
    bench = Bench(dut, rng, 0.2)

    async def check(rows: int, cols: int, most: int, first: int = 0) -> None:
        bases, strides = places(rng, 3)
        await start(dut)
        set_inputs(dut, place_inputs(bases, strides) | {
            "rows_i": rows, "cols_i": cols, "update_i": int(rng.integers(2)), "half_i": 0,
            "tile_ready_i": 0, "read_i": 0, "start_i": 1})
        bench.responses.clear()
        await bench.step()
        dut.start_i.value = 0
        await bench.step()
        if first:  # inside a mutant there is one level more
            getattr(dut, "u_mutants", dut).tile_row_q.value = first
        for tile in itertools.islice(walk(rows, cols), most):
            dut.tile_ready_i.value = 0
            dut.read_i.value, dut.read_index_i.value = 1, 0
            for _ in range(1000):
                await bench.step()
                if dut.tile_valid_o.value:
                    break
            described = dataclasses.replace(tile, row=first + tile.row)
            assert dut.tile_o.value.to_unsigned() == described.pack(), f"{described}"
            await bench.step()
            address = (bases[0] + 16 * tile.row * strides[0] + 64 * tile.col) % (1 << 40)
            assert dut.weight_o.value.to_unsigned() == bench.word(address), f"{described}"
            dut.tile_ready_i.value = 1
            await bench.step()

    for power in range(24):
        # Borrows go through all bits, and any bits are set together.
        for rows in ((1 << power) + int(rng.integers(1, 17)), int(rng.integers(1, 2 << power))):
            await check(min(rows, (1 << 24) - 1), int(rng.integers(1, 40)), most=8)
    for power in range(20):
        for first in ((1 << power) - 1, int(rng.integers(1 << power))):
            await check(int(rng.integers(17, 49)), int(rng.integers(1, 17)), most=3, first=first)
    for _ in range(4):
        await check(int(rng.integers(1 << 12, 1 << 13)), int(rng.integers(1, 17)), most=512)
    await check(1, 65535 - int(rng.integers(64)), most=4096)


@cocotb.test()
async def test_stays_four_tiles_ahead(dut):
    """No request for a fifth tile while none has been freed."""
    await start(dut, rows_i=16, cols_i=200, update_i=1)
    bench = Bench(dut, make_rng(), 0.0)
    dut.start_i.value = 1
    await bench.step()
    dut.start_i.value = 0
    for _ in range(900):
        await bench.step()
    assert not dut.req_valid_o.value
    dut.tile_ready_i.value = 1
    await bench.step()
    dut.tile_ready_i.value = 0
    await Timer(1, "ns")
    assert dut.req_valid_o.value
