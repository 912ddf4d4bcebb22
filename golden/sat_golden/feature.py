# SPDX-License-Identifier: Apache-2.0
"""AFFINE, STATS and POOL on feature maps, bit for bit (docs/reference/numerics.md, items 11 to 13).

A feature map is a matrix of FP16 patterns with a row per pixel and a column per channel.
"""

from __future__ import annotations

import numpy as np

from .arguments import check_matrix, check_shape
from .defs import POOL_POSITIONS_MAX, STATS_LANES
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
    value = fp32_mul(alpha, fp16_to_fp32(x))
    offset = gamma
    if y is not None and beta is not None:
        check_shape("y", as_bits("y", y, np.uint16), x.shape)
        check_shape("beta", as_bits("beta", beta, np.uint32), gamma.shape)
        offset = fp32_add(fp32_mul(beta, fp16_to_fp32(y)), gamma)
    value = fp32_add(value, offset)
    return fp32_to_fp16(fp32_relu(value) if relu else value)


def stats(x: np.ndarray, y: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the rows: uint16 [R][C] each -> (of X, of X*Y), uint32 [1][C]; Y None is X."""
    x = check_matrix("x", as_bits("x", x, np.uint16))
    y = x if y is None else as_bits("y", y, np.uint16)
    check_shape("y", y, x.shape)
    x_value, y_value = fp16_to_float(x), fp16_to_float(y)
    with exact():
        return sum_rows(x_value), sum_rows(x_value * y_value)


def sum_rows(terms: np.ndarray) -> np.ndarray:
    """float32 [R][C] -> uint32 [1][C]: row r goes to partial sum r mod 8, in ascending order."""
    rows, cols = terms.shape
    # Rows of +0 at the end change nothing: a sum that began with +0 is never -0.
    padded = np.zeros((-(-rows // STATS_LANES), STATS_LANES, cols), np.float32)
    padded.reshape(-1, cols)[:rows] = terms
    sums = np.zeros((STATS_LANES, cols), np.float32)
    with exact():
        for lanes in padded:
            np.add(sums, lanes, out=sums)
        while len(sums) > 1:
            sums = sums[0::2] + sums[1::2]
    return fp32_bits(sums)


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
