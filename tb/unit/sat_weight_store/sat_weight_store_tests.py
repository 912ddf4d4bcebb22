# SPDX-License-Identifier: Apache-2.0
"""sat_weight_store: the packets of V and W of every tile, with stalls on both sides."""

from __future__ import annotations

import dataclasses
from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from sat_golden.stimulus import random_bits
from tb.common.clock import start
from tb.common.lanes import pack_array
from tb.common.matrix import set_inputs
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.unit.sat_vector.tiles import Tile, place_inputs, places, tiles_of

LATENCY = 13  # from a read in sat_wuve to its result


def beats_of(tiles: list[Tile], bases: list[int], strides: list[int],
             lanes: int) -> list[tuple[int, int, int, int]]:
    """(address of the packet, beats, last, strobes) of every beat of `lanes` numbers in order.
    Tensor 0 is W, tensor 1 V."""
    found = []
    for tile in tiles:
        beats = -(-tile.cols // lanes)
        for tensor in (1, 0):
            for row in range(tile.rows):
                address = (bases[tensor] + (16 * tile.row + row) * strides[tensor]
                           + 64 * tile.col) % (1 << 40)
                for beat in range(beats):
                    used = min(lanes, tile.cols - lanes * beat)
                    found.append((address, beats, int(beat == beats - 1), (1 << 4 * used) - 1))
    return found


@cocotb.test()
@cocotb.parametrize(p_source=[0.0, 0.5], p_sink=[0.0, 0.7])
async def test_packets(dut, p_source, p_sink):
    rng = make_rng(f"{p_source} {p_sink}")
    lanes = parameters(dut, "DATA_W")[0] // 32
    await start(dut)
    for rows, cols in [(1, 1), (16, 16), (33, 40), (150, 5), *rng.integers(1, 50, (5, 2)).tolist()]:
        tensors = places(rng, 2)
        set_inputs(dut, place_inputs(*tensors) | {"start_i": 1})
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        # The last columns of a wide matrix.
        right = int(rng.integers(4096 - 4))
        tiles = deque(dataclasses.replace(tile, col=tile.col + right)
                      for tile in tiles_of(rows, cols))
        expected = beats_of(list(tiles), *tensors, lanes)
        sent: list[int] = []
        under_way = deque([False] * LATENCY)
        issued = taken = 0
        for _ in range(20_000):
            if taken == len(expected):
                break
            issue = (issued < len(expected) and bool(dut.credit_o.value)
                     and rng.random() >= p_source)
            issued += issue
            dut.issue_i.value = int(issue)
            under_way.append(issue)
            arrives = under_way.popleft()
            dut.in_valid_i.value = int(arrives)
            if arrives:
                sent.append(pack_array(random_bits(rng, lanes, np.uint32)))
                dut.in_data_i.value = sent[-1]
            dut.tile_valid_i.value = int(bool(tiles))
            if tiles:
                dut.tile_i.value = tiles[0].pack()
            ready = rng.random() >= p_sink
            dut.out_ready_i.value = int(ready)
            await Timer(1, "ns")  # out_valid_o depends on tile_valid_i
            if ready and dut.out_valid_o.value:
                actual = tuple(int(signal.value) for signal in (
                    dut.out_addr_o, dut.out_beats_o, dut.out_last_o, dut.out_strb_o))
                assert actual == expected[taken]
                assert dut.out_data_o.value.to_unsigned() == sent[taken]
                taken += 1
            if dut.tile_ready_o.value:
                tiles.popleft()
            await FallingEdge(dut.clk)
        assert taken == len(expected) and not tiles
