# SPDX-License-Identifier: Apache-2.0
"""sat_nm_select against golden nm_select, for every N:M that fits."""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from cocotb.triggers import Timer

from sat_golden import nm_select
from sat_golden.stimulus import FP16_SPECIALS
from tb.common.rng import make_rng

EXHAUSTIVE_BITS = 12


def legal_nm(m_max: int) -> list[tuple[int, int]]:
    return [(n, m) for m in (2, 4, 8, 16) if m <= m_max for n in range(1, m + 1)]


def stimulus(rng: np.random.Generator, m_max: int, key_w: int) -> np.ndarray:
    """Vectors [count][m_max] of keys: all there are, or ties, special values and random ones."""
    if m_max * key_w <= EXHAUSTIVE_BITS:
        return np.array(list(itertools.product(range(1 << key_w), repeat=m_max)), np.uint16)
    ties = np.concatenate([np.full((1, m_max), key) for key in (0, 1, (1 << key_w) - 1)])
    few = rng.integers(0, 3, (40, m_max))
    random = rng.integers(0, 1 << key_w, (40, m_max))
    special = rng.choice(FP16_SPECIALS, (40, m_max)) & ((1 << key_w) - 1)
    ordered = np.sort(random[:5], axis=1)
    return np.concatenate([ties, few, random, special, ordered, ordered[:, ::-1]]).astype(np.uint16)


def pack(keys: np.ndarray, key_w: int) -> int:
    return sum(int(key) << key_w * at for at, key in enumerate(keys))


@cocotb.test()
async def test_every_nm(dut):
    m_max = len(dut.keep_o)
    key_w = len(dut.keys_i) // m_max
    vectors = stimulus(make_rng(), m_max, key_w)
    for n, m in legal_nm(m_max):
        dut.n_i.value = n
        dut.m_log2_i.value = m.bit_length() - 1
        positions = nm_select(vectors.reshape(len(vectors), -1, m), n)
        expected = np.zeros((len(vectors), m_max // m, m), bool)
        np.put_along_axis(expected, positions.astype(np.int64), True, axis=-1)
        for keys, keep in zip(vectors, expected.reshape(len(vectors), -1)):
            dut.keys_i.value = pack(keys, key_w)
            await Timer(1, "ns")
            actual = dut.keep_o.value.to_unsigned()
            assert actual == pack(keep, 1), f"{n}:{m} keys {keys}: kept {actual:0{m_max}b}"
