# SPDX-License-Identifier: Apache-2.0
"""sat_pool_walk against nested loops, with room at random."""

from itertools import product

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng

PLACES = ("image", "oy", "ox", "ky", "kx")


def walk(sizes, cols, reverse, data_w):
    """Outputs in order; `sizes` are those of PLACES."""
    ranges = [range(size) for size in sizes]
    most = sizes[3] * sizes[4] - 1
    for band, left in enumerate(range(cols, 0, -data_w // 2)):
        for place in product(*ranges):
            position = place[3] * sizes[4] + place[4]
            window_end = position == most
            yield dict(zip(PLACES, place), position=most - position if reverse else position,
                       window_end=window_end, band=band,
                       last_beat=(min(left, data_w // 2) - 1) // (data_w // 16),
                       band_end=window_end and place[:3] == tuple(size - 1 for size in sizes[:3]))


@cocotb.test()
@cocotb.parametrize(reverse=[0, 1], p_room=[1.0, 0.5])
async def test_walks(dut, reverse, p_room):
    rng = make_rng(f"{reverse} {p_room}")
    data_w, = parameters(dut, "DATA_W")
    await start(dut)
    for _ in range(12):
        kernel_h = int(rng.integers(1, 9))
        sizes = [*(int(size) for size in rng.integers(1, 5, 3)),
                 kernel_h, int(rng.integers(1, min(15, 16 // kernel_h) + 1))]
        cols = int(rng.choice([1, 8, 63, 64, 65, 128, 256, 257, int(rng.integers(1, 600))]))
        names = ("images", "out_h", "out_w", "kernel_h", "kernel_w", "cols", "reverse", "start")
        for name, value in zip(names, (*sizes, cols, reverse, 1)):
            getattr(dut, f"{name}_i").value = value
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        for expected in walk(sizes, cols, reverse, data_w):
            room = False
            while not room:
                room = bool(rng.random() < p_room)
                dut.room_i.value = int(room)
                await FallingEdge(dut.clk)
                assert bool(dut.valid_o.value) == room
            got = {name: int(getattr(dut, f"{name}_o").value) for name in expected}
            assert got == expected, (sizes, cols)
        dut.room_i.value = 1
        for _ in range(3):
            await FallingEdge(dut.clk)
            assert not dut.valid_o.value
