# SPDX-License-Identifier: Apache-2.0
"""Operands worth testing with: special values, near-ties, random bit patterns, ordinary numbers.

Shared by the golden self-tests and the RTL benches. Nothing here draws without the caller's `rng`.
"""

from __future__ import annotations

import numpy as np

# Zeros, subnormals (least, greatest), normals (least, next, one and its neighbours, greatest),
# infinity and NaN (canonical, quiet with payload, signalling), with both signs.
_FP16 = [0x0000, 0x0001, 0x0002, 0x0200, 0x03FF, 0x0400, 0x0401, 0x3BFF, 0x3C00, 0x3C01, 0x3555,
         0x4000, 0x6400, 0x7BFE, 0x7BFF, 0x7C00, 0x7E00, 0x7FFF, 0x7C01]
_FP32 = [0x00000000, 0x00000001, 0x00000002, 0x00400000, 0x007FFFFF, 0x00800000, 0x00800001,
         0x00FFFFFF, 0x01000000, 0x33800000, 0x33800001, 0x34000000, 0x3F7FFFFF, 0x3F800000,
         0x3F800001, 0x3EAAAAAB, 0x40000000, 0x4B000000, 0x4B800000, 0x7E800000, 0x7F000000,
         0x7F7FFFFE, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x7FFFFFFF, 0x7F800001,
         # Where FP16 overflows, and around its least normal and its subnormals.
         0x477FE000, 0x477FEFFF, 0x477FF000, 0x47800000, 0x38800000, 0x387FC000, 0x387FE000,
         0x33000000, 0x33000001, 0x32FFFFFF, 0x33C00000]

FP16_SPECIALS = np.array(_FP16 + [x | 0x8000 for x in _FP16], np.uint16)
FP32_SPECIALS = np.array(_FP32 + [x | 0x80000000 for x in _FP32], np.uint32)
ALL_FP16 = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16)


def special_pairs(specials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every value with every value."""
    return np.repeat(specials, specials.size), np.tile(specials, specials.size)


def random_bits(rng: np.random.Generator, shape, dtype) -> np.ndarray:
    """Uniform bit patterns: NaN, infinities and subnormals come by themselves."""
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def outweighed_fp16(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Many large significands of one exponent, and here and there a small one of an exponent 3 to 8
    above: where all others together weigh about as much as one."""
    above = np.where(rng.random(shape) < 0.07, rng.integers(3, 9, shape), 0)
    exponent = int(rng.integers(1, 22)) + above
    fraction = np.where(above > 0, rng.integers(0, 64, shape), rng.integers(900, 1024, shape))
    return (rng.integers(0, 2, shape) << 15 | exponent << 10 | fraction).astype(np.uint16)


def ordinary_fp16(rng: np.random.Generator, shape) -> np.ndarray:
    """Normally distributed numbers as FP16 patterns."""
    return rng.standard_normal(shape).astype(np.float16).view(np.uint16)


def ordinary_fp32(rng: np.random.Generator, shape) -> np.ndarray:
    """Normally distributed numbers as FP32 patterns."""
    return rng.standard_normal(shape, np.float32).view(np.uint32)


def mixed_fp16(rng: np.random.Generator, shape, special: float = 0.1) -> np.ndarray:
    """Ordinary numbers, a share `special` of them replaced by special values or any pattern."""
    bits = ordinary_fp16(rng, shape)
    other = np.where(rng.random(shape) < 0.5, rng.choice(FP16_SPECIALS, shape),
                     random_bits(rng, shape, np.uint16))
    return np.where(rng.random(shape) < special, other, bits)


def near_tie_additions(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """FP32 pairs whose sum lies on or next to the middle between two FP32 numbers, or cancels.

    One operand lies 0..26 binades below the other; what alignment shifts out of it is one half of
    the last place, or that plus or minus one. A quarter of the pairs are almost equal instead.
    """
    exponent = rng.integers(1, 255, count)
    below = np.minimum(rng.integers(0, 27, count), exponent)
    shifted_out = (1 << np.minimum(below, 23)) - 1
    half = (shifted_out + 1) >> 1
    a = rng.integers(0, 1 << 23, count)
    b = rng.integers(0, 1 << 23, count) & ~shifted_out | (half + rng.integers(-1, 2, count))

    close = rng.random(count) < 0.25
    below = np.where(close, np.minimum(below, 1), below)
    b = np.where(close, a + rng.integers(-2, 3, count), b) & 0x7FFFFF

    a = with_random_sign(rng, exponent << 23 | a)
    b = with_random_sign(rng, (exponent - below) << 23 | b)
    swap = rng.random(count) < 0.5
    return np.where(swap, b, a), np.where(swap, a, b)


def near_tie_products(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """FP32 pairs whose product lies on or next to the middle between two FP32 numbers.

    For an odd significand x, y = d/x modulo 2**24 makes the low half of x*y equal to d, here close
    to the middle. A quarter are exact ties: x and y with as many trailing zeros as leave one bit
    there. Exponents also reach the subnormals and the overflow.
    """
    mask = (1 << 24) - 1
    x = rng.integers(1 << 23, 1 << 24, count) | 1
    inverse = x
    for _ in range(5):  # Newton: each step doubles the correct low bits
        inverse = inverse * ((2 - x * inverse) & mask) & mask
    # The low half that rounding removes has 24 bits of a product of 48, or 23 of one of 47.
    half_bit = rng.integers(22, 24, count)
    low = (1 << half_bit) + rng.integers(-2, 3, count)
    y = low * inverse & mask | 1 << 23

    tie = rng.random(count) < 0.25
    x_zeros = rng.integers(0, 23, count)
    x = np.where(tie, with_trailing_zeros(x, x_zeros), x)
    y = np.where(tie, with_trailing_zeros(y, half_bit - x_zeros), y)

    x_exp = rng.integers(1, 255, count)
    y_exp = rng.choice([0, 127, 254, 381], count) - x_exp + rng.integers(-30, 31, count)
    y_exp = np.clip(y_exp, 1, 254)
    return (with_random_sign(rng, x_exp << 23 | x & 0x7FFFFF),
            with_random_sign(rng, y_exp << 23 | y & 0x7FFFFF))


def with_random_sign(rng: np.random.Generator, magnitude: np.ndarray) -> np.ndarray:
    """FP32 patterns (uint32) of these magnitudes."""
    return magnitude.astype(np.uint32) | random_bits(rng, magnitude.shape, np.uint32) & 0x80000000


def with_trailing_zeros(x: np.ndarray, zeros: np.ndarray) -> np.ndarray:
    """x with its lowest one at bit `zeros`."""
    return x >> zeros << zeros | 1 << zeros


def near_tie_halves(rng: np.random.Generator, count: int) -> np.ndarray:
    """FP32 patterns on or next to the middle between two FP16 numbers, or on an FP16 number."""
    lower = (random_bits(rng, count, np.uint16) & 0x7FFF) % 0x7C00
    upper = lower + np.uint16(1)
    low = lower.view(np.float16).astype(np.float64)
    high = np.where(upper == 0x7C00, 65536.0, upper.view(np.float16).astype(np.float64))
    target = np.where(rng.random(count) < 0.25, low, (low + high) / 2).astype(np.float32)
    bits = target.view(np.uint32).astype(np.int64) + rng.integers(-1, 2, count)
    return with_random_sign(rng, np.maximum(bits, 0))
