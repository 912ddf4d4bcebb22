# SPDX-License-Identifier: Apache-2.0
"""sat_sampler against golden sample: every N:M, any values, stalls on both sides, row vectors among
the column vectors, bands of few and many columns."""

from __future__ import annotations

from collections.abc import Iterator

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden import sample
from sat_golden.sampling import BLOCK, QUAD, Key, parts_of
from sat_golden.sampling import random_bits as draws_of
from sat_golden.sampling import sample_one, sample_two
from sat_golden.stimulus import FP16_SPECIALS, ordinary_fp16, outweighed_fp16, random_bits
from tb.common.clock import start
from tb.common.rng import make_rng

LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]
LATENCY = 16
BETWEEN_BANDS = 27
POOL = 6000  # columns among which those are sought whose sample is a near thing


def draw_values(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Numbers, any finite bits, few values, subnormals, special ones, zeros, small subnormals, and
    one that weighs about as much as all others."""
    kind = rng.integers(8)
    if kind == 7:
        few = 0x8000 | (1 << rng.integers(3, 9)) - 1
        return random_bits(rng, shape, np.uint16) & np.uint16(few)
    if kind == 6:
        return outweighed_fp16(rng, shape)
    if kind == 0:
        return ordinary_fp16(rng, shape)
    if kind == 1:
        return rng.choice(FP16_SPECIALS, shape)
    if kind == 2:
        return rng.choice(np.array([0, 0x8000, 0x3C00, 0xBC00, 0x4000, 0x7BFF], np.uint16), shape)
    bits = random_bits(rng, shape, np.uint16)
    if kind == 3:
        return bits & 0x83FF
    bits = np.where(bits & 0x7C00 == 0x7C00, bits & 0x83FF, bits)
    return np.where(rng.random(shape) < (kind - 4) * 0.7, bits & 0x8000, bits).astype(np.uint16)


def near_columns(rng: np.random.Generator, nm: tuple[int, int], draws: np.ndarray,
                 cols: int) -> np.ndarray:
    """[16][cols] of which random bits one beside `draws`, uint16 [4], would make another sample: at
    some element a running sum just passes a threshold, or just does not."""
    (n, m), parts = nm, parts_of(nm[0])
    size = m // parts
    # Numbers of a few exponents, so that weights have all of their bits, among others.
    spread = rng.random((BLOCK, POOL)) * rng.integers(1, 6, POOL)
    exponent = rng.integers(1, 26, POOL) + spread.astype(np.int64)
    alike = exponent << 10 | rng.integers(0, 1 << 10, spread.shape)
    signs = random_bits(rng, spread.shape, np.uint16) & 0x8000
    matrix = np.concatenate([alike.astype(np.uint16) | signs, *(
        draw_values(rng, (BLOCK, POOL // 8)) for _ in range(4))], axis=1)
    changes = np.zeros(matrix.shape, bool)
    for row in range(0, BLOCK, size):
        keep = sample_two if row % m // size < n - parts else sample_one
        draw = int(draws[row // QUAD])
        low, high = (keep(matrix[row : row + size].T, np.full(matrix.shape[1], beside))
                     for beside in (max(draw - 1, 0), min(draw + 1, 0xFFFF)))
        changes[row : row + size] = (low != high).T
    chosen = []
    for element in rng.integers(BLOCK, size=cols):
        found = np.flatnonzero(changes[element])
        chosen.append(int(rng.choice(found)) if found.size else int(rng.integers(POOL)))
    return matrix[:, chosen]


def as_word(vector: np.ndarray) -> int:
    return int.from_bytes(vector.astype("<u2").tobytes(), "little")


def vectors_of(rng: np.random.Generator, n: int, m: int, key: Key,
               sampled: bool) -> Iterator[tuple[int, int, int, int, int]]:
    """(in, out, is BP, last, band end) of a matrix, row vectors thrown in."""
    rows, cols = BLOCK * int(rng.integers(1, 5)), int(rng.integers(1, 40))
    draws = draws_of(rows, key).reshape(-1, BLOCK // QUAD)
    matrix = np.concatenate([
        draw_values(rng, (BLOCK, cols)) if rng.random() < 0.4
        else near_columns(rng, (n, m), draws[band], cols) for band in range(rows // BLOCK)])
    expected = sample(matrix, n, m, key) if sampled else matrix
    for row in range(0, rows, BLOCK):
        for col in range(cols):
            while rng.random() < 0.2:
                word = as_word(draw_values(rng, (BLOCK, 1)))
                yield word, word, 1, int(rng.integers(2)), int(rng.integers(2))
            yield (as_word(matrix[row : row + BLOCK, col]),
                   as_word(expected[row : row + BLOCK, col]), 0, int(col % 16 == 15),
                   int(col == cols - 1))


async def check(dut, rng: np.random.Generator, nm: tuple[int, int], p_valid: float, p_ready: float,
                sampled: bool = True) -> None:
    key = Key(*(int(word) for word in rng.integers(1 << 32, size=3)))
    dut.start_i.value = 1
    dut.in_valid_i.value = 0
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    dut.sample_i.value = int(sampled)
    dut.n_i.value, dut.m_log2_i.value = nm[0], nm[1].bit_length() - 1
    dut.seed_i.value, dut.step_i.value, dut.layer_i.value = key
    await FallingEdge(dut.clk)
    todo = list(vectors_of(rng, *nm, key, sampled))
    expected = [(out, bp, last) for _, out, bp, last, _ in todo]
    bands = sum(end and not bp for _, _, bp, _, end in todo)
    limit = len(todo) + BETWEEN_BANDS * (bands + 1) + LATENCY + 2
    cycles = 0
    while expected:
        cycles += 1
        assert cycles < 20 * limit
        valid = bool(todo) and rng.random() < p_valid
        dut.in_valid_i.value = int(valid)
        if todo:
            vector, _, bp, last, end = todo[0]
            dut.in_vector_i.value, dut.in_bp_i.value = vector, bp
            dut.in_last_i.value, dut.in_band_end_i.value = last, end
        dut.out_ready_i.value = int(rng.random() < p_ready)
        await cocotb.triggers.Timer(1, "ns")  # in_ready_o depends on the inputs of this cycle
        if dut.out_valid_o.value and dut.out_ready_i.value:
            assert expected.pop(0) == (dut.out_vector_o.value.to_unsigned(),
                                       int(dut.out_bp_o.value), int(dut.out_last_o.value)), nm
        if valid and dut.in_ready_o.value:
            todo.pop(0)
        await FallingEdge(dut.clk)
    dut.in_valid_i.value = 0
    await FallingEdge(dut.clk)
    assert not dut.out_valid_o.value, "a vector too many"
    assert p_valid * p_ready < 1 or cycles <= limit


@cocotb.test()
@cocotb.parametrize(p_valid=[1.0, 0.3], p_ready=[1.0, 0.4])
async def test_every_nm(dut, p_valid, p_ready):
    rng = make_rng(f"{p_valid} {p_ready}")
    await start(dut)
    for nm in LEGAL_NM:
        await check(dut, rng, nm, p_valid, p_ready)


@cocotb.test()
async def test_common_nm(dut):
    rng = make_rng()
    await start(dut)
    for nm in [(1, 4), (2, 4), (2, 8), (4, 8), (1, 8), (2, 16), (4, 16)] * 6:
        await check(dut, rng, nm, 1.0, 1.0)


@cocotb.test()
async def test_without_sampling_it_is_a_wire(dut):
    rng = make_rng()
    await start(dut)
    for sampled in (True, False, True, False):
        await check(dut, rng, (2, 8), 0.7, 0.7, sampled)
