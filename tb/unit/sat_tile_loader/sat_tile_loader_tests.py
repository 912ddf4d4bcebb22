# SPDX-License-Identifier: Apache-2.0
"""sat_tile_loader: tiles in order, from a memory in which every word holds its own address."""

from __future__ import annotations

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.unit.sat_vector.tiles import tiles_of

BASES = (0x80_0000_1000, 0x12_3456_7840, 0xFF_0000_0000)  # W, V, dW
STRIDES = (0x4_0000, 0x440, 0xFF_FFC0)
OUTPUTS = ("weight_o", "velocity_o", "gradient_o")


class Bench:
    """Serves the read port; `step` is one cycle."""

    def __init__(self, dut, rng, p_stall: float):
        self.dut, self.rng, self.p_stall = dut, rng, p_stall
        self.responses: deque[int] = deque()
        self.beat_bytes = parameters(dut, "DATA_W")[0] // 8

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
            self.responses += range(address, address + self.beat_bytes * beats, self.beat_bytes)
        await FallingEdge(dut.clk)


@cocotb.test()
@cocotb.parametrize(p_stall=[0.0, 0.5], kind=["update", "single", "half"])
async def test_loads_every_tile(dut, p_stall, kind):
    rng = make_rng(f"{p_stall} {kind}")
    await start(dut)
    bench = Bench(dut, rng, p_stall)
    element, beat_bytes = 2 if kind == "half" else 4, bench.beat_bytes
    lanes = beat_bytes // 4
    for rows, cols in [(1, 1), (16, 16), (33, 40), tuple(map(int, rng.integers(1, 50, 2)))]:
        dut.base_i.value = sum(base << 40 * k for k, base in enumerate(BASES))
        dut.stride_i.value = sum(stride << 24 * k for k, stride in enumerate(STRIDES))
        dut.start_i.value = 1
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
                        address = (BASES[k] + (16 * tile.row + row) * STRIDES[k]
                                   + (16 * tile.col + col) * element)
                        word = address - address % beat_bytes
                        assert getattr(dut, OUTPUTS[k]).value.to_unsigned() == word
            dut.read_i.value, dut.tile_ready_i.value = 0, 1
            await bench.step()
            dut.tile_ready_i.value = 0
        for _ in range(20):
            await bench.step()
        assert not dut.req_valid_o.value and not dut.tile_valid_o.value and not bench.responses


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
