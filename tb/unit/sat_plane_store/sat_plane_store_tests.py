# SPDX-License-Identifier: Apache-2.0
"""sat_plane_store: kept elements in, the bytes of the planes out, with stalls on both sides."""

from __future__ import annotations

import dataclasses
from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from sat_golden import Planes, compress_ff, pack_indices
from sat_golden.stimulus import random_bits
from tb.common.clock import start
from tb.common.lanes import pack
from tb.common.matrix import set_inputs
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.unit.sat_vector.dma_memory import strobed
from tb.unit.sat_vector.tiles import Tile, place_inputs, places, tiles_of

MOST_BYTES = 128  # of a row: values of 40 columns


def elements_of(tile: Tile, weights: np.ndarray, n: int, m: int,
                emit: int) -> list[tuple[int, ...]]:
    """(valid, value, index, rank, end, last) as sat_sore emits them, `emit` at a time; `weights`
    [length][width] padded."""
    block = np.zeros((16, tile.cols), np.uint16)
    part = weights[16 * tile.row:16 * tile.row + 16, 16 * tile.col:16 * tile.col + 16]
    block[:part.shape[0]] = part
    planes = compress_ff(block, n, m)
    count = len(planes.values)
    indices = np.zeros_like(planes.values) if planes.indices is None else planes.indices
    found: list[tuple[int, ...]] = []
    for col in range(tile.cols):
        for first in range(0, count, emit):
            rows = slice(first, min(first + emit, count))
            end = rows.stop == count
            found.append(((1 << rows.stop - first) - 1,
                          pack(map(int, planes.values[rows, col]), 16),
                          pack(map(int, indices[rows, col]), 4),
                          first // emit, int(end), int(end and col == tile.cols - 1)))
    return found


def far_apart(rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Bases and strides of values and indices that never meet."""
    bases, strides = places(rng, 2)
    bases[1] = (bases[0] + (1 << 38) + 64 * int(rng.integers(1 << 33))) % (1 << 40)
    return bases, [max(stride, MOST_BYTES) for stride in strides]


def bytes_of(planes: Planes, tensors: tuple[list[int], list[int]], right: int) -> dict[int, int]:
    """Every byte of the planes, which begin at column 16 * right: address -> value."""
    raws = [np.ascontiguousarray(planes.values, "<u2").view(np.uint8)]
    if planes.indices is not None:
        raws.append(pack_indices(planes.indices))
    return {(base + row * stride + right * tile_bytes + at) % (1 << 40): int(byte)
            for base, stride, tile_bytes, raw in zip(*tensors, (32, 8), raws)
            for row, line in enumerate(raw) for at, byte in enumerate(line)}


async def check(dut, rng: np.random.Generator, shape: tuple[int, int], n: int, m: int,
                p_source: float, p_sink: float) -> None:
    """`shape` is that of the uncompressed matrix, grouped along its rows."""
    bp, data_w, emit = parameters(dut, "BP", "DATA_W", "EMIT")
    beat_bytes = data_w // 8
    weights = random_bits(rng, shape, np.uint16)
    right = int(rng.integers((1 << 20 if bp else 1 << 12) - 3))
    # W_BP lies along W's columns, so its tiles come in the order of the transposed matrix.
    near = tiles_of(*shape[::-1]) if bp else tiles_of(*shape)
    tiles = deque(dataclasses.replace(t, row=t.row + bp * right, col=t.col + (1 - bp) * right)
                  for t in near)
    parts = [Tile(t.col, t.row, t.cols, t.rows, t.band_end, t.last) if bp else t for t in near]
    elements = [element for tile in parts for element in elements_of(tile, weights, n, m, emit)]
    written: dict[int, int] = {}

    dut.n_i.value, dut.m_log2_i.value = n, m.bit_length() - 1
    tensors = far_apart(rng)
    set_inputs(dut, place_inputs(*tensors) | {"start_i": 1})
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    number = beat = 0
    for _ in range(40_000):
        if not tiles:
            break
        valid = number < len(elements) and rng.random() >= p_source
        dut.in_valid_i.value = 0
        if valid:
            (dut.in_valid_i.value, dut.in_value_i.value, dut.in_index_i.value, dut.in_rank_i.value,
             dut.in_end_i.value, dut.in_last_i.value) = elements[number]
            number += int(dut.in_ready_o.value)
        dut.tile_valid_i.value, dut.tile_i.value = 1, tiles[0].pack()
        ready = rng.random() >= p_sink
        dut.out_ready_i.value = int(ready)
        await Timer(1, "ns")  # tile_ready_o and out_last_o depend on the inputs of this cycle
        if ready and dut.out_valid_o.value:
            address = (dut.out_addr_o.value.to_unsigned() + beat_bytes * beat) % (1 << 40)
            assert address % beat_bytes == 0
            strobes = dut.out_strb_o.value.to_unsigned()
            data = strobed(dut.out_data_o.value, strobes)
            for lane in range(beat_bytes):
                if strobes >> lane & 1:
                    assert address + lane not in written, "a byte is written twice"
                    written[address + lane] = data >> 8 * lane & 0xFF
            last = bool(dut.out_last_o.value)
            assert last == (beat == dut.out_beats_o.value.to_unsigned() - 1)
            beat = 0 if last else beat + 1
        if dut.tile_ready_o.value:
            tiles.popleft()
        await FallingEdge(dut.clk)
    dut.out_ready_i.value = dut.in_valid_i.value = 0
    assert not tiles and number == len(elements)
    assert written == bytes_of(compress_ff(weights, n, m), tensors, right)


@cocotb.test()
@cocotb.parametrize(p_source=[0.0, 0.4], p_sink=[0.0, 0.8])
async def test_planes(dut, p_source, p_sink):
    rng = make_rng(f"{p_source} {p_sink}")
    await start(dut)
    for n, m in [(1, 2), (2, 2), (2, 4), (2, 8), (3, 8), (8, 8), (1, 16), (15, 16), (16, 16)]:
        rows, cols = map(int, rng.integers(1, 41, 2))
        await check(dut, rng, (rows, cols), n, m, p_source, p_sink)
