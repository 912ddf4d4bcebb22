# SPDX-License-Identifier: Apache-2.0
"""sat_column_sums against golden `stats`: rows and groups in any order, with gaps and waits."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden import stats, stimulus
from tb.common.clock import start
from tb.common.lanes import pack_array, unpack_array
from tb.common.parameters import parameters
from tb.common.rng import make_rng

SUM, DOT = 0, 1
TINY, LARGEST = 0x0001, 0x7BFF
DRAWS = {
    "ordinary": stimulus.ordinary_fp16,
    "any": lambda rng, shape: stimulus.random_bits(rng, shape, np.uint16),
    "finite": lambda rng, shape: stimulus.random_bits(rng, shape, np.uint16) & 0xBFFF,
    "special": lambda rng, shape: stimulus.mixed_fp16(rng, shape, 0.05),
    # One of them cancels what 2**-24 and its square leave behind.
    "extreme": lambda rng, shape: rng.choice(
        np.array([TINY, LARGEST, 0x8000 | LARGEST, 0x8000 | TINY], np.uint16), shape),
}


def operands(rng: np.random.Generator, draw: str, shape: tuple[int, int]
             ) -> tuple[np.ndarray, np.ndarray]:
    """x and y: y may be x, and half of the rows may cancel the others."""
    x, y = DRAWS[draw](rng, shape), DRAWS[draw](rng, shape)
    if rng.random() < 0.3:
        y = x
    elif rng.random() < 0.5:
        half = shape[0] // 2
        x[:half], y[:half] = x[shape[0] - half:] ^ 0x8000, y[shape[0] - half:]
    return x, y


async def sums_of(dut, rng: np.random.Generator, x: np.ndarray, y: np.ndarray, gaps: float
                  ) -> dict[int, np.ndarray]:
    """Plays x and y [R][G*LANES] in some order and collects SUM and DOT [1][G*LANES]."""
    (lanes,) = parameters(dut, "LANES")
    groups = x.shape[1] // lanes
    order = [(row, group) for row in range(len(x)) for group in range(groups)]
    if rng.random() < 0.5:
        order = [order[k] for k in rng.permutation(len(order))]
    seen: set[int] = set()
    dut.last_group_i.value = groups - 1
    for number, (row, group) in enumerate(order):
        while rng.random() < gaps:
            dut.in_valid_i.value = 0
            await FallingEdge(dut.clk)
        at = slice(group * lanes, (group + 1) * lanes)
        dut.in_valid_i.value = 1
        dut.in_first_i.value = int(group not in seen)
        dut.in_group_i.value = group
        dut.in_x_i.value = pack_array(x[row, at])
        dut.in_y_i.value = pack_array(y[row, at])
        seen.add(group)
        dut.drain_i.value = int(number == len(order) - 1 and gaps == 0)
        await FallingEdge(dut.clk)
    dut.in_valid_i.value = 0
    dut.drain_i.value = int(gaps != 0)
    found: dict[int, list[np.ndarray]] = {SUM: [], DOT: []}
    reserved = [0, 0]
    for _ in range(40 * groups + 100):
        await FallingEdge(dut.clk)
        dut.drain_i.value = 0
        if dut.out_valid_o.value:
            kind = int(dut.out_dot_o.value)
            found[kind].append(unpack_array(dut.out_o.value.to_unsigned(), np.uint32, lanes))
            assert bool(dut.out_last_o.value) == (len(found[kind]) == groups)
            assert len(found[kind]) <= reserved[kind], "a place that was not reserved"
        room = int(rng.integers(4)) if gaps else 3
        dut.room_i.value = room
        await cocotb.triggers.ReadOnly()
        taken = dut.reserve_o.value.to_unsigned()
        assert not taken & ~room, "no room"
        for kind in (SUM, DOT):
            reserved[kind] += taken >> kind & 1
        if not dut.busy_o.value and len(found[DOT]) == groups:
            break
    return {kind: np.concatenate(values)[None] for kind, values in found.items()}


async def check(dut, rng: np.random.Generator, x: np.ndarray, y: np.ndarray, gaps: float) -> None:
    expected = stats(x, y)
    found = await sums_of(dut, rng, x, y, gaps)
    for kind, name in ((SUM, "SUM"), (DOT, "DOT")):
        assert np.array_equal(found[kind], expected[kind]), \
            f"{name} of {x.shape}: expected {expected[kind]} actual {found[kind]}"
    await FallingEdge(dut.clk)


@cocotb.test()
@cocotb.parametrize(draw=list(DRAWS), gaps=[0.0, 0.4])
async def test_sums(dut, draw, gaps):
    """From one group, which then comes in every cycle, to all of them."""
    rng = make_rng(f"{draw} {gaps}")
    lanes, groups = parameters(dut, "LANES", "GROUPS")
    await start(dut)
    for number in range(24):
        shape = int(rng.integers(1, 60)), lanes * (1 + number % groups)
        await check(dut, rng, *operands(rng, draw, shape), gaps)


@cocotb.test()
async def test_long_sums(dut):
    """Of the largest numbers, of both signs and alternating."""
    rng = make_rng()
    lanes, _ = parameters(dut, "LANES", "GROUPS")
    await start(dut)
    for signs in (0, 0x8000, None):
        x = np.full((4000, lanes), LARGEST, np.uint16)
        x |= rng.choice(np.array([0, 0x8000], np.uint16), x.shape) if signs is None else signs
        await check(dut, rng, x, np.full_like(x, LARGEST), 0.0)


@cocotb.test(expect_fail=True)
async def test_a_wrong_element_fails(dut):
    rng = make_rng()
    lanes, _ = parameters(dut, "LANES", "GROUPS")
    await start(dut)
    x = np.full((9, lanes), 0x3C00, np.uint16)
    found = await sums_of(dut, rng, x, x ^ 1, 0.0)
    assert np.array_equal(found[DOT], stats(x, x)[1])
