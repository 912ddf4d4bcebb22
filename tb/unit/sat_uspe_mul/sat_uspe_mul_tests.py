# SPDX-License-Identifier: Apache-2.0
"""sat_uspe_mul against the golden product: pairs of special values, every FP16 value, random bits.
"""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden import reference, vector
from sat_golden.stimulus import ALL_FP16, FP16_SPECIALS, random_bits, special_pairs
from tb.common.clock import start
from tb.common.lanes import pack_array, unpack_array
from tb.common.parameters import parameters
from tb.common.rng import make_rng

LATENCY = 4
ACC_INF, ACC_NAN = 0x3F800000, 0x3FC00000


def expected_of(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Products of FP16 patterns in the accumulator's format."""
    return vector.fp32_to_acc(vector.fp16_mul_exact(a, w))


def as_acc(product: np.ndarray) -> np.ndarray:
    """{sign, exp, significand, special, nan} in the accumulator's format."""
    sign, special, nan = product >> 31, product >> 1 & 1, product & 1
    exp, significand = product >> 24 & 0x7F, product >> 2 & 0x3FFFFF
    # A finite product is zero as a whole or has its leading one.
    assert np.all((special == 1) | ((exp == 0) == (significand == 0)))
    assert np.all((special == 1) | (exp == 0) | (significand >> 21 == 1))
    number = sign << 30 | exp << 23 | (significand & 0x1FFFFF) << 2
    return np.where(special, np.where(nan, ACC_NAN, sign << 30 | ACC_INF), number)


async def check(dut, rng: np.random.Generator, a: np.ndarray, w: np.ndarray,
                p_valid: float = 1.0) -> None:
    (lanes,) = parameters(dut, "LANES")
    pad = -a.size % lanes
    a, w = (np.concatenate([x, x[:pad]]).reshape(-1, lanes) for x in (a, w))
    wide_a, wide_w = vector.fp16_widen(a), vector.fp16_widen(w)
    valid = rng.random(a.shape) < p_valid
    expected = np.where(valid, expected_of(a, w), 0)
    bits = np.packbits(valid, axis=1, bitorder="little")
    for cycle in range(len(a) + LATENCY):
        if cycle >= LATENCY:
            row = cycle - LATENCY
            product = unpack_array(dut.product_o.value.to_unsigned(), np.uint32, lanes)
            actual = as_acc(product)
            actual = np.where(valid[row], actual, actual & 0x3FFFFFFF)  # sign of nothing: free
            for lane in np.flatnonzero(actual != expected[row])[:1]:
                raise AssertionError(
                    f"a {a[row, lane]:#06x} w {w[row, lane]:#06x} valid {valid[row, lane]}: "
                    f"expected {expected[row, lane]:#010x} actual {actual[lane]:#010x}")
        row = min(cycle, len(a) - 1)
        dut.valid_i.value = int.from_bytes(bits[row].tobytes(), "little")
        dut.a_i.value = pack_array(wide_a[row])
        dut.w_i.value = pack_array(wide_w[row])
        await FallingEdge(dut.clk)


@cocotb.test()
async def test_special_pairs(dut):
    """Also: the array twin used here equals the reference function."""
    await start(dut)
    a, w = special_pairs(FP16_SPECIALS)
    reference_products = [
        reference.pe_product(reference.fp16_widen(int(x)), reference.fp16_widen(int(y)))
        for x, y in zip(a, w)]
    assert np.array_equal(expected_of(a, w), np.array(reference_products, np.uint32))
    await check(dut, make_rng(), a, w)
    await check(dut, make_rng(), a, w, p_valid=0.5)


@cocotb.test()
async def test_every_value(dut):
    """Each FP16 pattern, on each side, with a random partner."""
    rng = make_rng()
    await start(dut)
    await check(dut, rng, ALL_FP16, random_bits(rng, ALL_FP16.size, np.uint16))
    await check(dut, rng, random_bits(rng, ALL_FP16.size, np.uint16), ALL_FP16, p_valid=0.9)


@cocotb.test()
async def test_random_bits(dut):
    rng = make_rng()
    await start(dut)
    a, w = random_bits(rng, (2, 900_000), np.uint16)
    await check(dut, rng, a, w)
