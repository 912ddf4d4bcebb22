# SPDX-License-Identifier: Apache-2.0
"""The fast arithmetic against Berkeley SoftFloat, where there is a package of it."""

from __future__ import annotations

import numpy as np
import pytest

from sat_golden import stimulus, vector
from sat_golden.formats import FP16, FP32, FpFormat

sf = pytest.importorskip("softfloatpy")
BINARY = [
    pytest.param(vector.fp32_add, stimulus.near_tie_additions, sf.f32_add, id="add"),
    pytest.param(vector.fp32_mul, stimulus.near_tie_products, sf.f32_mul, id="mul"),
]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def check(actual: np.ndarray, operation, bits_out: FpFormat, *arrays: np.ndarray) -> None:
    """Results are those of a SoftFloat operation on FP32 patterns, its NaN made canonical."""
    def one(*patterns: int) -> int:
        operands = (sf.Float32.from_bytes(p.to_bytes(4, "big")) for p in patterns)
        result = operation(*operands)
        return bits_out.nan if result.is_nan() else int.from_bytes(result.to_bytes(), "big")

    expected = np.array([one(*each) for each in zip(*(array.tolist() for array in arrays))])
    wrong = np.flatnonzero(actual != expected)
    assert not wrong.size, [tuple(hex(int(values[at])) for values in (*arrays, actual, expected))
                            for at in wrong[:5]]


@pytest.mark.parametrize("operation, near_ties, second_opinion", BINARY)
def test_binary_operations_agree(operation, near_ties, second_opinion, rng):
    for a, b in (stimulus.special_pairs(stimulus.FP32_SPECIALS),
                 near_ties(rng, 500_000),
                 [stimulus.random_bits(rng, 5000, np.uint32) for _ in range(2)],
                 [stimulus.ordinary_fp32(rng, 5000) for _ in range(2)]):
        check(operation(a, b), second_opinion, FP32, a, b)


def test_fp32_to_fp16_agrees(rng):
    value = np.concatenate([
        stimulus.FP32_SPECIALS,
        stimulus.near_tie_halves(rng, 50000),
        stimulus.random_bits(rng, 20000, np.uint32),
        vector.fp16_to_fp32(stimulus.ALL_FP16),
    ])
    check(vector.fp32_to_fp16(value), sf.f32_to_f16, FP16, value)
