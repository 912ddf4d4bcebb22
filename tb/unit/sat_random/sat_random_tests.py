# SPDX-License-Identifier: Apache-2.0
"""sat_random against golden random_bits: blocks in order, at any pace, and begun anew at any time.
"""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden.sampling import BLOCK, Key, random_bits
from tb.common.clock import start
from tb.common.lanes import unpack
from tb.common.rng import make_rng

BETWEEN = 27  # cycles from one block to the next, at least


async def check(dut, rng: np.random.Generator, key: Key, blocks: int, p_next: float) -> int:
    """Begin, and take the first blocks; cycles from the start to the last one."""
    dut.start_i.value = 1
    dut.next_i.value = int(rng.random() < p_next) & int(dut.valid_o.value)
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    dut.seed_i.value, dut.step_i.value, dut.layer_i.value = key
    expected = random_bits(blocks * BLOCK, key).reshape(blocks, 4).tolist()
    cycles = 0
    while expected:
        cycles += 1
        assert cycles < 100_000
        take = bool(dut.valid_o.value) and rng.random() < p_next
        dut.next_i.value = int(take)
        if dut.valid_o.value:
            assert unpack(dut.bits_o.value.to_unsigned(), 16, 4) == expected[0]
        if take:
            expected.pop(0)
        await FallingEdge(dut.clk)
    dut.next_i.value = 0
    return cycles


@cocotb.test()
@cocotb.parametrize(p_next=[1.0, 0.3, 0.02])
async def test_blocks_in_order(dut, p_next):
    rng = make_rng(f"{p_next}")
    await start(dut)
    assert not dut.valid_o.value
    for _ in range(30):
        key = Key(*(int(word) for word in rng.integers(1 << 32, size=3)))
        blocks = int(rng.integers(1, 12))
        cycles = await check(dut, rng, key, blocks, p_next)
        assert p_next < 1 or cycles == BETWEEN * blocks + 2
        for _ in range(int(rng.integers(40))):
            await FallingEdge(dut.clk)


@cocotb.test()
async def test_long_run(dut):
    """Carries of the block number."""
    await start(dut)
    await check(dut, make_rng(), Key(1, 2, 3), 600, 1.0)
