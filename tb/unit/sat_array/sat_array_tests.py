# SPDX-License-Identifier: Apache-2.0
"""sat_array: whole tiles of sums against golden multiply-add, their order and their timing."""

from __future__ import annotations

from collections.abc import Iterable

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from tb.common.array_streams import ArrayStreams
from tb.common.buses import DRAIN, NORTH, WEST
from tb.common.clock import start
from tb.common.lanes import pack, unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng


def skewed(stream: list[np.ndarray], cycle: int, width: int, ages: Iterable[int]) -> int:
    """The edge's word in a cycle: field f is as many cycles late as its age."""
    return pack([stream[cycle - age][f] if 0 <= cycle - age < len(stream) else 0
                 for f, age in enumerate(ages)], width)


@cocotb.test()
@cocotb.parametrize(special=[0.0, 0.2], p_valid=[1.0, 0.6], most=[0, 4], folded=[0, 1])
async def test_tiles(dut, special, p_valid, most, folded):
    """`most` 0: tiles follow each other as closely as allowed."""
    rng = make_rng(f"{special} {p_valid} {most} {folded}")
    rows, cols, t = parameters(dut, "ROWS", "COLS", "T")
    count = 12
    streams = ArrayStreams(rng, rows, cols, t, count, special=special, p_valid=p_valid, most=most,
                           folded=bool(folded))
    lag = np.arange(cols) % (cols // 2) if folded else np.arange(cols)
    await start(dut)
    results: list[list[int]] = [[] for _ in range(cols)]
    when: list[list[int]] = [[] for _ in range(cols)]
    for cycle in range(len(streams.north) + (rows + 6) * t + rows + cols):
        for col, word in enumerate(unpack(dut.drain_o.value.to_unsigned(), DRAIN.bits, cols)):
            if DRAIN.get(word, "valid"):
                results[col].append(DRAIN.get(word, "acc"))
                when[col].append(cycle)
        dut.west_i.value = skewed(streams.west, cycle, WEST.bits, range(rows))
        dut.center_i.value = skewed(streams.center, cycle, WEST.bits, range(rows))
        dut.north_i.value = skewed(streams.north, cycle, NORTH.bits, lag)
        await FallingEdge(dut.clk)
    expected = np.concatenate([tile.reshape(-1, cols) for tile in streams.tiles])
    assert [len(column) for column in results] == [len(expected)] * cols
    actual = np.array(results, np.uint32).T
    for place in np.argwhere(actual != expected)[:1]:
        tile, rest = divmod(place[0], rows * t)
        raise AssertionError(
            f"tile {tile} row {rest // t} t {rest % t} column {place[1]}: "
            f"expected {expected[tuple(place)]:#010x} actual {actual[tuple(place)]:#010x}")
    # Each column delivers as late as it began, a tile without gaps.
    cycles = np.array(when).T
    assert np.array_equal(cycles, cycles[:, :1] + lag)
    tiles = cycles[:, 0].reshape(count, rows * t)
    assert np.array_equal(tiles, tiles[:, :1] + np.arange(rows * t))
