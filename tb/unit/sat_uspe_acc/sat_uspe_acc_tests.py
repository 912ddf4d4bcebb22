# SPDX-License-Identifier: Apache-2.0
"""sat_uspe_acc against FP32 addition: random products, near ties, cancellation, special values."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden import vector
from sat_golden.stimulus import mixed_fp16, ordinary_fp16, random_bits
from tb.common.clock import start
from tb.common.lanes import pack_array, unpack_array
from tb.common.parameters import parameters
from tb.common.rng import make_rng

ACC_INF = 0x3F800000
SIGN = 0x40000000


def accumulate(acc: np.ndarray, product: np.ndarray) -> np.ndarray:
    """`reference.pe_accumulate` on arrays."""
    total = vector.fp32_add(vector.acc_to_fp32(acc), vector.acc_to_fp32(product))
    return vector.fp32_to_acc(total)


def product_word(product: np.ndarray) -> np.ndarray:
    """A product in the accumulator's format as {sign, exp, significand, special, nan}."""
    sign, magnitude = product >> 30, product & (SIGN - 1)
    exp, frac = magnitude >> 23, magnitude >> 2 & 0x1FFFFF
    significand = np.where(exp == 0, 0, 1 << 21 | frac)
    return (sign << 31 | exp << 24 | significand << 2 | (magnitude >= ACC_INF) << 1
            | (magnitude > ACC_INF)).astype(np.uint32)


def multiple_of_least(product: np.ndarray) -> np.ndarray:
    """Clears the bits below 2^-48, which no product has."""
    exp = (product >> 23 & 0x7F).astype(np.int64)
    keep = ~((1 << np.clip(24 - exp, 2, 23)) - 1)
    return (product & keep).astype(np.uint32)


def random_products(rng, acc):
    a, w = random_bits(rng, (2, *acc.shape), np.uint16)
    return vector.fp32_to_acc(vector.fp16_mul_exact(a, w))


def mixed_products(rng, acc):
    a, w = mixed_fp16(rng, acc.shape, 0.02), ordinary_fp16(rng, acc.shape)
    return vector.fp32_to_acc(vector.fp16_mul_exact(a, w))


def near_ties(rng, acc):
    """What alignment shifts out of a product is one half of the sum's last place, or almost."""
    exp = (acc >> 23 & 0x7F).astype(np.int64)
    below = rng.integers(-3, 28, acc.shape)
    half = 1 << np.clip(below - 1, 0, 22)
    frac = rng.integers(0, 1 << 23, acc.shape) & ~(2 * half - 1) | half
    frac += rng.integers(-1, 2, acc.shape) << np.clip(below - 2, 2, 22)
    new_exp = np.where(exp == 0, rng.integers(1, 80, acc.shape), exp - below)
    bits = rng.integers(0, 2, acc.shape) << 30 | np.clip(new_exp, 1, 80) << 23 | frac & 0x7FFFFF
    return multiple_of_least(bits)


def cancelling(rng, acc):
    """Minus the sum so far, give or take a few units of the product's last place."""
    magnitude = (acc & (SIGN - 1)).astype(np.int64)
    near = np.clip(magnitude + (rng.integers(-2, 3, acc.shape) << 2), 1 << 23, (81 << 23) - 1)
    return multiple_of_least((acc & SIGN ^ SIGN) | near)


def blend(rng, acc):
    """A draw of all the above, so that sums reach each kind of state."""
    kinds = [random_products, mixed_products, near_ties, cancelling]
    return np.choose(rng.integers(0, len(kinds), acc.shape), [kind(rng, acc) for kind in kinds])


def sequence(rng, draw, slots: int, t: int, lanes: int, length: int):
    """Where sums begin, products and sums of `slots` slots of t cycles; a row per cycle."""
    acc = np.zeros((t, lanes), np.uint32)
    firsts, products, sums = [], [], []
    for slot in range(slots):
        first = (rng.random(t) < 1 / length) | (slot == 0)
        acc = np.where(first[:, None], np.uint32(0), acc)
        product = draw(rng, acc).astype(np.uint32)
        acc = accumulate(acc, product)
        firsts.append(first)
        products.append(product)
        sums.append(acc)
    return (np.concatenate(x) for x in (firsts, products, sums))


@cocotb.test()
@cocotb.parametrize(draw=[random_products, mixed_products, near_ties, cancelling, blend],
                    length=[4, 40])
async def test_sums(dut, draw, length):
    """Sums of about `length` products each."""
    rng = make_rng(f"{draw.__name__} {length}")
    t, lanes = parameters(dut, "T", "LANES")
    first, product, total = sequence(rng, draw, 3000 // t, t, lanes, length)
    words = product_word(product)
    await start(dut)
    dut.first_next_i.value = 1
    await FallingEdge(dut.clk)
    cycles = len(first)
    for cycle in range(cycles + t - 1):
        if cycle >= t - 1:
            row = cycle - (t - 1)
            actual = unpack_array(dut.result_o.value.to_unsigned(), np.uint32, lanes)
            for lane in np.flatnonzero(actual != total[row])[:1]:
                before = 0 if first[row] else total[row - t, lane]
                raise AssertionError(
                    f"{before:#010x} + {product[row, lane]:#010x}: "
                    f"expected {total[row, lane]:#010x} actual {actual[lane]:#010x}")
        dut.first_next_i.value = int(cycle + 1 < cycles and first[cycle + 1])
        dut.product_i.value = pack_array(words[min(cycle, cycles - 1)])
        await FallingEdge(dut.clk)
