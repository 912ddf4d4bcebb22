# SPDX-License-Identifier: Apache-2.0
"""Unbiased sampling of N of each M values (docs/reference/numerics.md, item 14).

A matrix [K][J] is replaced by one of which every group of M rows holds at most N nonzeros per
column, and whose mean over the random bits is the matrix: systematic sampling with probabilities
proportional to the magnitudes, which has the least variance of all unbiased samples (Chmiel et
al. 2022, for N = 1 and 2). RTL: sat_sampler, sat_random.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .arguments import check_matrix, integer
from .compress import check_nm, in_groups
from .formats import FP16
from .vector import as_bits

WORD_MAX = 0xFFFFFFFF
QUAD = 4              # rows that share random bits
RANDOM_BITS = 16      # of a quad
BLOCK = 16            # rows that share one evaluation of the function
GUARD_BITS = 2        # below the significand, where magnitudes are aligned
UNIT = 25 + GUARD_BITS  # the aligned 1 is 2**(exponent field - UNIT)
LARGE = 5             # an exponent this far above the second largest outweighs all others

ROTATIONS = 13, 15, 26, 6, 17, 29, 16, 24
PARITY = 0x1BD11BDA
ROUNDS = 20


class Key(NamedTuple):
    """What the random bits of a command depend on: the registers SEED and STEP, and the field LAYER
    of its descriptor; 32 bits each."""

    seed: int = 0
    step: int = 0
    layer: int = 0


def threefry(key: tuple[int, int], counter: np.ndarray) -> np.ndarray:
    """Threefry-2x32 with 20 rounds (Salmon et al., SC 2011): uint32 [C][2] of counters [C][2]."""
    words = np.array([*key, key[0] ^ key[1] ^ PARITY], np.uint32)
    x, y = as_bits("counter", counter, np.uint32).T
    x, y = x + words[0], y + words[1]
    for number in range(ROUNDS):
        turn = np.uint32(ROTATIONS[number % 8])
        x = x + y
        y = (y << turn | y >> np.uint32(32) - turn) ^ x
        if number % 4 == 3:
            injection = number // 4 + 1
            x = x + words[injection % 3]
            y = y + words[(injection + 1) % 3] + np.uint32(injection)
    return np.stack([x, y], axis=-1)


def random_bits(rows: int, key: Key) -> np.ndarray:
    """uint16 [ceil(rows/16)*4]: the random bits of each quad of rows; key (seed, step), counter
    (layer, row / 16), low halves first."""
    for name, word in key._asdict().items():
        integer(name, word, 0, WORD_MAX)
    blocks = np.arange(-(-rows // BLOCK), dtype=np.uint32)
    counter = np.stack([np.full_like(blocks, key.layer), blocks], axis=-1)
    words = threefry((key.seed, key.step), counter)
    return np.stack([words & 0xFFFF, words >> 16], axis=-1).astype(np.uint16).reshape(-1)


def parts_of(n: int) -> int:
    """Into how many parts, of which each keeps two or one, a group that keeps n is cut: the least
    power of two that is enough."""
    return 1 << ((n + 1) // 2 - 1).bit_length()


def sample(values: np.ndarray, n: int, m: int, key: Key = Key()) -> np.ndarray:
    """FP16 patterns [K][J] of which each group of m rows has at most n nonzeros per column, and
    whose mean over seeds, steps and layers is `values` [K][J] (uint16)."""
    check_nm(n, m)
    values = check_matrix("values", as_bits("values", values, np.uint16))
    rows, cols = values.shape
    parts = parts_of(n)
    size = m // parts
    groups = in_groups(values, m)  # [G][J][M]
    quads = np.arange(len(groups))[:, None] * m + np.arange(parts) * size
    draws = random_bits(rows, key)[quads // QUAD]  # [G][parts]
    out = np.empty_like(groups)
    for part in range(parts):
        place = slice(part * size, (part + 1) * size)
        draw = draws[:, part, None]
        keep = sample_two if part < n - parts else sample_one
        out[..., place] = keep(groups[..., place], draw)
    return np.ascontiguousarray(out.transpose(0, 2, 1)).reshape(-1, cols)[:rows]


def sample_one(groups: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """One of each group [..., m], with the sum of all magnitudes."""
    exponent = exponents(groups).max(axis=-1)
    return pick(groups, aligned(groups, exponent), exponent, draw, 1)


def sample_two(groups: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """The largest of each group [..., m], exactly, if it outweighs the others, and one of them
    with their sum; else two with half the sum of all each."""
    largest = np.argmax(groups & 0x7FFF, axis=-1, keepdims=True)  # the first of equals
    exponent = np.partition(exponents(groups), -2, axis=-1)[..., -2]
    weights = aligned(groups, exponent)
    heaviest = np.take_along_axis(weights, largest, axis=-1)
    alone = 2 * heaviest >= weights.sum(axis=-1, keepdims=True)
    others = weights.copy()
    np.put_along_axis(others, largest, 0, axis=-1)
    one = pick(groups, others, exponent, draw, 1)
    np.put_along_axis(one, largest, np.take_along_axis(groups, largest, axis=-1), axis=-1)
    return np.where(alone, one, pick(groups, weights, exponent, draw, 2))


def exponents(halves: np.ndarray) -> np.ndarray:
    """int64: the exponent fields, of subnormals and zeros that of the least normal."""
    return np.maximum(halves >> FP16.man_bits & 31, 1).astype(np.int64)


def aligned(halves: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """int64: the magnitudes in units of 2**(exponent - UNIT), truncated."""
    field = exponents(halves)
    hidden = (halves >> FP16.man_bits & 31 != 0).astype(np.int64) << FP16.man_bits
    significand = (halves & (1 << FP16.man_bits) - 1) + hidden << GUARD_BITS
    shift = np.minimum(field - exponent[..., None], LARGE)
    return np.where(shift > 0, significand << np.maximum(shift, 0),
                    significand >> np.minimum(np.maximum(-shift, 0), 31))


def pick(groups: np.ndarray, weights: np.ndarray, exponent: np.ndarray, draw: np.ndarray,
         count: int) -> np.ndarray:
    """`count` (1 or 2) of each group, with the sum of the weights divided by it; groups that hold
    an infinity or NaN, or weigh nothing, as they are."""
    above = weights.cumsum(axis=-1) * count
    below = above - weights * count
    total = above[..., -1:] // count
    first = draw[..., None].astype(np.int64) * total >> RANDOM_BITS
    picked = np.zeros(groups.shape, bool)
    for number in range(count):
        at = first + number * total
        picked |= (below <= at) & (at < above)
    with np.errstate(over="ignore"):
        value = np.ldexp((total / count).astype(np.float64), exponent[..., None] - UNIT)
        half = value.astype(np.float16).view(np.uint16)
    sampled = np.where(picked, half | groups & 0x8000, 0).astype(np.uint16)
    special = np.any(groups & FP16.inf == FP16.inf, axis=-1, keepdims=True)
    return np.where(special | (total == 0), groups, sampled)
