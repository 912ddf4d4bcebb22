# SPDX-License-Identifier: Apache-2.0
"""sat_weight_store: the packets of V and W of every tile, with stalls on both sides."""

from __future__ import annotations

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.unit.sat_vector.tiles import tiles_of

BASES = (0x80_0000_1000, 0x12_3456_7840)  # W, V
STRIDES = (0x4_0000, 0x440)
LATENCY = 13  # from a read in sat_wuve to its result


def beats_of(rows: int, cols: int, lanes: int) -> list[tuple[int, int, int, int]]:
    """(address of the packet, beats, last, strobes) of every beat of `lanes` numbers in order."""
    found = []
    for tile in tiles_of(rows, cols):
        beats = -(-tile.cols // lanes)
        for tensor in (1, 0):
            for row in range(tile.rows):
                address = BASES[tensor] + (16 * tile.row + row) * STRIDES[tensor] + 64 * tile.col
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
    for rows, cols in [(1, 1), (16, 16), (33, 40), tuple(map(int, rng.integers(1, 50, 2)))]:
        dut.base_i.value = sum(base << 40 * k for k, base in enumerate(BASES))
        dut.stride_i.value = sum(stride << 24 * k for k, stride in enumerate(STRIDES))
        dut.start_i.value = 1
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        expected = beats_of(rows, cols, lanes)
        tiles = deque(tiles_of(rows, cols))
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
                sent.append(int(rng.integers(1 << 62)) << 32 * lanes - 64 | len(sent))
                dut.in_data_i.value = sent[-1]
            dut.tile_valid_i.value = int(bool(tiles))
            if tiles:
                dut.tile_i.value = tiles[0].pack()
            ready = rng.random() >= p_sink
            dut.out_ready_i.value = int(ready)
            await cocotb.triggers.Timer(1, "ns")  # out_valid_o depends on tile_valid_i
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
