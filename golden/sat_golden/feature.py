# SPDX-License-Identifier: Apache-2.0
"""AFFINE, STATS and POOL on feature maps, bit for bit (docs/reference/numerics.md, items 11 to 13).

A feature map is a matrix of FP16 patterns with a row per pixel and a column per channel.
"""

from __future__ import annotations

import numpy as np

from . import kernel
from .arguments import check_matrix, check_shape
from .defs import POOL_POSITIONS_MAX
from .formats import FP32, Kind, Number
from .fp_mode import exact
from .vector import (
    as_bits,
    fp16_to_float,
    fp16_to_fp32,
    fp32_add,
    fp32_bits,
    fp32_mul,
    fp32_relu,
    fp32_to_fp16,
)
from .windows import OUTSIDE, Windows


def affine(
    x: np.ndarray,
    alpha: np.ndarray,
    gamma: np.ndarray,
    *,
    y: np.ndarray | None = None,
    beta: np.ndarray | None = None,
    relu: bool = False,
) -> np.ndarray:
    """alpha*X + gamma, or alpha*X + (beta*Y + gamma): uint16 [R][C].

    x, y                uint16 [R][C]
    alpha, beta, gamma  uint32 [1][C], a scale and an offset per channel

    Every operation rounds once to FP32; then ReLU, then FP16. ValueError or TypeError name the
    argument whose shape or dtype is wrong.
    """
    x = check_matrix("x", as_bits("x", x, np.uint16))
    for name, scale in (("alpha", alpha), ("gamma", gamma)):
        check_shape(name, as_bits(name, scale, np.uint32), (1, x.shape[1]))
    if (y is None) != (beta is None):
        raise ValueError("beta: given with y, and only with y")
    if y is not None and beta is not None:
        check_shape("y", as_bits("y", y, np.uint16), x.shape)
        check_shape("beta", as_bits("beta", beta, np.uint32), gamma.shape)
    if compiled := kernel.library():
        return kernel.affine(compiled, x, alpha, gamma, y, beta, relu)
    value = fp32_mul(alpha, fp16_to_fp32(x))
    offset = gamma
    if y is not None and beta is not None:
        offset = fp32_add(fp32_mul(beta, fp16_to_fp32(y)), gamma)
    value = fp32_add(value, offset)
    return fp32_to_fp16(fp32_relu(value) if relu else value)


def stats(x: np.ndarray, y: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the rows: uint16 [R][C] each -> (of X, of X*Y), uint32 [1][C]; Y None is X.

    Exact, rounded once: in integers of 2**-24 and 2**-48, of which there are less than 2**64 and
    2**104 in sums of 2**24 rows.
    """
    x = check_matrix("x", as_bits("x", x, np.uint16))
    y = x if y is None else as_bits("y", y, np.uint16)
    check_shape("y", y, x.shape)
    if compiled := kernel.library():
        if (finite := kernel.stats(compiled, x, y)) is not None:
            return finite
    sums, dots = np.zeros((2, x.shape[1]), object)
    for start in range(0, len(x), LIMB_ROWS):
        (x_high, x_low), (y_high, y_low) = (limbs(z[start : start + LIMB_ROWS]) for z in (x, y))
        sums += join(x_high.sum(0), x_low.sum(0))
        middle = (x_high * y_low + x_low * y_high).sum(0)
        dots += join(join((x_high * y_high).sum(0), middle), (x_low * y_low).sum(0))
    with exact():
        x_value, y_value = fp16_to_float(x), fp16_to_float(y)
        return round_sums(sums << 24, x_value), round_sums(dots, x_value * y_value)


LIMB_BITS = 20
LIMB_ROWS = 1 << 20  # as many products of two limbs, and pairs of them, fit an int64


def limbs(half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FP16 patterns as integers of 2**-24, below 2**40, in two int64 limbs, the higher one first;
    infinity and NaN are 0."""
    exponent = half >> 10 & 31
    fraction = half & 0x3FF | (exponent > 0).astype(np.uint16) << 10
    magnitude = fraction.astype(np.int64) << np.maximum(exponent, 1) - 1
    value = np.where(half >> 15, -magnitude, magnitude) * (exponent < 31)
    return value >> LIMB_BITS, value & (1 << LIMB_BITS) - 1


def join(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """One Python integer of two limbs."""
    return (high.astype(object) << LIMB_BITS) + low.astype(object)


def round_sums(totals: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Sums of finite terms, Python integers [C] of 2**-48, -> uint32 [1][C]; where one of the
    float32 terms [R][C] is not finite, it decides."""
    rounded = [FP32.round_pack(Number(Kind.FINITE, int(total < 0), abs(total), -48))
               for total in totals]
    plus, minus = (terms == np.inf).any(0), (terms == -np.inf).any(0)
    bits = np.where(plus, FP32.inf, np.where(minus, FP32.sign_bit | FP32.inf, rounded))
    return np.where(np.isnan(terms).any(0) | plus & minus, FP32.nan, bits).astype(np.uint32)[None]


def order_key(half: np.ndarray) -> np.ndarray:
    """int16 that order FP16 patterns as sign-magnitude integers, -0 below +0."""
    bits = as_bits("half", half, np.uint16).view(np.int16)
    return np.where(bits < 0, ~(bits & 0x7FFF), bits)


def max_pool(x: np.ndarray, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """uint16 [pixels][C] -> the largest value each window sees, uint16 [G][C], unchanged in its
    bits, and its position, uint8 [G][C]. Of equal ones the first wins; +0 and 0 where a window is
    wholly outside."""
    x = as_bits("x", x, np.uint16)
    check_map("x", x, windows)
    largest = np.zeros((windows.count, x.shape[1]), np.uint16)
    winner = np.zeros(largest.shape, np.uint8)
    best = np.full(largest.shape, -(1 << 15) - 1, np.int32)  # below every key
    for position in range(windows.positions):
        pixels = windows.pixels_at(position)
        seen = x[pixels]
        key = order_key(seen).astype(np.int32)
        wins = (key > best) & (pixels != OUTSIDE)[:, None]
        best[wins], largest[wins], winner[wins] = key[wins], seen[wins], position
    return largest, winner


def max_pool_backward(d_out: np.ndarray, winner: np.ndarray, windows: Windows) -> np.ndarray:
    """Gradient uint16 [G][C] of the result, and `winner` as `max_pool` gave it -> gradient of X,
    uint16 [pixels][C]. `windows` are the `transposed()` of the forward ones: they slide over the
    grid of the results, [pixels] in their own terms, and there is one for each pixel of X."""
    d_out = as_bits("d_out", d_out, np.uint16)
    check_map("d_out", d_out, windows)
    check_shape("winner", as_bits("winner", winner, np.uint8), d_out.shape)
    value = fp16_to_float(d_out)
    total = np.zeros((windows.count, d_out.shape[1]), np.float32)
    with exact():
        for position in range(windows.positions):
            pixels = windows.pixels_at(position)
            won = winner == windows.positions - 1 - position
            # What is left out is +0, which changes nothing: the sum began with +0 and is never -0.
            routed = np.where(won, value, np.float32(0))[pixels]
            routed[pixels == OUTSIDE] = 0
            np.add(total, routed, out=total)
    return fp32_to_fp16(fp32_bits(total))


def check_map(name: str, fmap: np.ndarray, windows: Windows) -> None:
    """ValueError unless the map and the kernel are what POOL takes."""
    check_shape(name, fmap, (windows.pixels, check_matrix(name, fmap).shape[1]))
    if windows.positions > POOL_POSITIONS_MAX:
        raise ValueError(f"windows: more than {POOL_POSITIONS_MAX} positions")
