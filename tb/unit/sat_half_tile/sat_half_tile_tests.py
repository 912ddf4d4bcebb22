# SPDX-License-Identifier: Apache-2.0
"""sat_half_tile: tiles written by rows come out as columns (FF) and rows (BP)."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.stimulus import random_bits
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng


def vectors_of(tile: np.ndarray, rows: int, cols: int, band_end: int, ff: bool,
               bp: bool) -> list[tuple]:
    """(is BP, last of its direction, that of a band, vector as an integer) in the order of
    delivery."""
    found = []
    for number in range(16):
        for is_bp, wanted, count in ((0, ff, cols), (1, bp, rows)):
            if wanted and number < count:
                vector = tile[number] if is_bp else tile[:, number]
                data = int.from_bytes(vector.astype("<u2").tobytes(), "little")
                last = int(number == count - 1)
                found.append((is_bp, last, last & band_end, data))
    return found


@cocotb.test()
@cocotb.parametrize(p_write=[1.0, 0.4], p_ready=[1.0, 0.2], ff=[0, 1], bp=[0, 1])
async def test_transposes(dut, p_write, p_ready, ff, bp):
    rng = make_rng(f"{p_write} {p_ready} {ff} {bp}")
    lanes, = parameters(dut, "LANES")
    await start(dut, ff_i=ff, bp_i=bp)
    tiles = [random_bits(rng, (16, 16), np.uint16) for _ in range(6)]
    sizes = [(16, 16, 0),
             *((*map(int, rng.integers(1, 17, 2)), int(rng.integers(2))) for _ in range(5))]
    expected = [vector for tile, size in zip(tiles, sizes)
                for vector in vectors_of(tile, *size, ff, bp)]
    reserved = written = taken = cycles = 0
    while taken < len(tiles):
        cycles += 1
        assert cycles < 20_000
        for name, value in zip(("rows", "cols", "band_end"), sizes[taken]):
            getattr(dut, f"tile_{name}_i").value = value
        reserve = bool(dut.ready_o.value) and reserved < len(tiles) and rng.random() < 0.5
        dut.reserve_i.value = int(reserve)
        tile, index = divmod(written, 256 // lanes)
        write = tile < reserved and rng.random() < p_write
        dut.write_valid_i.value = int(write)
        if write:
            data = tiles[tile].ravel()[index * lanes:(index + 1) * lanes].astype("<u2").tobytes()
            dut.write_index_i.value = index
            dut.write_data_i.value = int.from_bytes(data, "little")
        ready = rng.random() < p_ready
        dut.vector_ready_i.value = int(ready)
        await cocotb.triggers.Timer(1, "ns")  # tile_done_o depends on the inputs of this cycle
        if dut.vector_valid_o.value and ready:
            assert expected.pop(0) == (int(dut.vector_bp_o.value), int(dut.vector_last_o.value),
                                       int(dut.vector_band_end_o.value),
                                       dut.vector_o.value.to_unsigned())
        reserved += reserve
        written += write
        taken += int(dut.tile_done_o.value)
        await FallingEdge(dut.clk)
    # The last vector may still be waiting.
    dut.vector_ready_i.value = 1
    while dut.vector_valid_o.value:
        assert expected.pop(0)[3] == dut.vector_o.value.to_unsigned()
        await FallingEdge(dut.clk)
    assert not expected
