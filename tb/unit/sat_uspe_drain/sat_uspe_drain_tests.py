# SPDX-License-Identifier: Apache-2.0
"""sat_uspe_drain: captured words leave in order on the token, between words from the north."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.buses import DRAIN
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng

VALID = DRAIN.pack(valid=1)


def schedule(rng, t: int, tiles: int, most: int) -> tuple[list[int], list[int]]:
    """First cycle of each capture, and the cycle of each token.

    An emission begins the cycle after its token: with all T words captured, and not after the next
    capture. At most `most` cycles pass unused each time.
    """
    captures: list[int] = []
    tokens: list[int] = []
    emission = 0  # first cycle of the latest
    for _ in range(tiles):
        earliest = max(emission, captures[-1] + t if captures else 0)
        capture = earliest + int(rng.integers(0, most + 1))
        captures.append(capture)
        emission = max(capture + t, emission + t) + int(rng.integers(0, most + 1))
        tokens.append(emission - 1)
    return captures, tokens


@cocotb.test()
@cocotb.parametrize(most=[0, 1, 5, 40], p_north=[0.0, 0.6])
async def test_order(dut, most, p_north):
    rng = make_rng(f"{most} {p_north}")
    (t,) = parameters(dut, "T")
    captures, tokens = schedule(rng, t, 40, most)
    words = {start_ + k: int(rng.integers(1 << 31)) for start_ in captures for k in range(t)}
    emitted: dict[int, int] = {}
    for capture, token in zip(captures, tokens):
        emitted |= {token + 1 + k: words[capture + k] for k in range(t)}
    await start(dut)
    passed_on = None
    for cycle in range(max(emitted) + 3):
        if passed_on is not None:
            assert dut.drain_o.value.to_unsigned() & VALID == passed_on & VALID
            if passed_on & VALID:
                assert dut.drain_o.value.to_unsigned() == passed_on
        assert dut.token_o.value == (cycle - t - 1 in tokens)
        north = int(rng.integers(1 << 31))
        if cycle not in emitted and rng.random() < p_north:
            north |= VALID
        dut.drain_i.value = north
        dut.capture_i.value = int(cycle in words)
        dut.result_i.value = words.get(cycle, int(rng.integers(1 << 31)))
        dut.token_i.value = int(cycle in tokens)
        passed_on = emitted[cycle] | VALID if cycle in emitted else north
        await FallingEdge(dut.clk)


@cocotb.test()
async def test_captured(dut):
    """captured_o comes once, in the cycle after the last of adjoining captures."""
    rng = make_rng()
    (t,) = parameters(dut, "T")
    await start(dut)
    for _ in range(20):
        for cycle in range(t + int(rng.integers(2, 2 * t))):
            dut.capture_i.value = int(cycle < t)
            await Timer(1, "ns")  # captured_o depends on capture_i
            assert dut.captured_o.value == (cycle == t)
            await FallingEdge(dut.clk)


@cocotb.test()
async def test_reset(dut):
    """Reset in the middle of an emission: the chain falls silent."""
    rng = make_rng()
    (t,) = parameters(dut, "T")
    await start(dut)
    for _ in range(20):
        dut.token_i.value = 1
        await FallingEdge(dut.clk)
        dut.token_i.value = 0
        for _ in range(int(rng.integers(1, t))):
            await FallingEdge(dut.clk)
        dut.rst_n.value = 0
        await FallingEdge(dut.clk)
        dut.rst_n.value = 1
        for _ in range(t + 2):
            await FallingEdge(dut.clk)
            assert not dut.drain_o.value.to_unsigned() & VALID
            assert not dut.token_o.value
