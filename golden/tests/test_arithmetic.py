# SPDX-License-Identifier: Apache-2.0
"""Reference arithmetic against its fast twins and numpy."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sat_golden import reference, stimulus, vector
from sat_golden.formats import ACC, FP16, FP32, WIDE, Kind, Number, round_half_even

SEED = 1
U32 = st.integers(0, 0xFFFFFFFF)
U16 = st.integers(0, 0xFFFF)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def each(function, *arrays) -> np.ndarray:
    """A reference function applied element by element."""
    return np.array([function(*values) for values in zip(*(array.tolist() for array in arrays))])


def assert_same(actual: np.ndarray, expected: np.ndarray, *operands: np.ndarray) -> None:
    wrong = np.flatnonzero(actual != expected)
    assert not wrong.size, [
        tuple(hex(int(x[i])) for x in (*operands, actual, expected)) for i in wrong[:5]
    ]


BINARY = [
    pytest.param("fp32_add", stimulus.near_tie_additions, id="add"),
    pytest.param("fp32_mul", stimulus.near_tie_products, id="mul"),
]


@pytest.mark.parametrize("name, near_ties", BINARY)
def test_binary_operations_agree(name, near_ties, rng):
    pairs = [
        stimulus.special_pairs(stimulus.FP32_SPECIALS),
        near_ties(rng, 20000),
        (stimulus.random_bits(rng, 5000, np.uint32), stimulus.random_bits(rng, 5000, np.uint32)),
        (stimulus.ordinary_fp32(rng, 5000), stimulus.ordinary_fp32(rng, 5000)),
    ]
    a, b = (np.concatenate(parts) for parts in zip(*pairs))
    fast = getattr(vector, name)(a, b)
    assert fast.dtype == np.uint32
    assert_same(fast, each(getattr(reference, name), a, b), a, b)


@given(U32, U32)
@example(0x80000000, 0x80000000)
@example(0x7F800000, 0xFF800000)
def test_binary_twins_agree_on_any_pattern(a, b):
    x, y = np.array([a], np.uint32), np.array([b], np.uint32)
    assert vector.fp32_add(x, y)[0] == reference.fp32_add(a, b)
    assert vector.fp32_mul(x, y)[0] == reference.fp32_mul(a, b)
    negated = b if reference.FP32.unpack(b).is_nan else b ^ 0x80000000
    assert vector.fp32_sub(x, y)[0] == reference.fp32_add(a, negated)


@given(U32, U32)
def test_reference_rounds_to_the_nearest(a, b):
    """Against exact rationals: no FP32 neighbour is closer, and a tie went to the even one."""
    result = reference.fp32_add(a, b)
    x, y, z = (FP32.unpack(bits) for bits in (a, b, result))
    if Kind.FINITE not in (x.kind, y.kind) or x.kind != y.kind or z.kind != Kind.FINITE:
        return
    error = abs(exact(x) + exact(y) - exact(z))
    for neighbour in (result - 1, result + 1):
        other = FP32.unpack(neighbour & 0xFFFFFFFF)
        if other.kind is Kind.FINITE and not z.is_zero:
            distance = abs(exact(x) + exact(y) - exact(other))
            assert error < distance or (error == distance and result % 2 == 0)


def exact(x: Number) -> Fraction:
    return reference.signed(x) * Fraction(2) ** x.exp


@pytest.mark.parametrize("name", ["fp16_to_fp32", "fp16_widen"])
def test_every_fp16_value_converts(name):
    half = stimulus.ALL_FP16
    assert_same(getattr(vector, name)(half), each(getattr(reference, name), half), half)


def test_fp32_to_fp16_agrees(rng):
    value = np.concatenate([
        stimulus.FP32_SPECIALS,
        stimulus.near_tie_halves(rng, 50000),
        stimulus.random_bits(rng, 20000, np.uint32),
        vector.fp16_to_fp32(stimulus.ALL_FP16),
    ])
    fast = vector.fp32_to_fp16(value)
    assert fast.dtype == np.uint16
    assert_same(fast, each(reference.fp32_to_fp16, value), value)


def test_fp16_survives_the_way_to_fp32_and_back():
    half = stimulus.ALL_FP16
    back = vector.fp32_to_fp16(vector.fp16_to_fp32(half))
    expected = np.where(np.isnan(half.view(np.float16)), FP16.nan, half)
    assert_same(back, expected, half)


def test_products_of_fp16_are_exact(rng):
    a, w = stimulus.special_pairs(stimulus.FP16_SPECIALS)
    a = np.concatenate([a, stimulus.random_bits(rng, 20000, np.uint16)])
    w = np.concatenate([w, stimulus.random_bits(rng, 20000, np.uint16)])
    product = vector.fp16_mul_exact(a, w)
    assert_same(product, each(reference.fp16_mul_exact, a, w), a, w)
    x, y, p = (bits.view(t).astype(np.float64)
               for bits, t in ((a, np.float16), (w, np.float16), (product, np.float32)))
    with np.errstate(invalid="ignore"):
        assert np.array_equal(x * y, p, equal_nan=True)  # a double holds any such product


@given(st.lists(st.tuples(U16, U16), min_size=1, max_size=40))
def test_array_formats_give_the_same_dot_product(pairs):
    """pe_mac on FP16/FP32 and pe_mac_internal on WIDE/ACC never part, NaN and infinity included."""
    acc, internal = 0, 0
    for a, w in pairs:
        acc = reference.pe_mac(acc, a, w)
        internal = reference.pe_mac_internal(
            internal, reference.fp16_widen(a), reference.fp16_widen(w)
        )
        assert reference.acc_to_fp32(internal) == acc
        assert reference.fp32_to_acc(acc) == internal
        assert acc != 0x80000000, "an accumulator that starts at +0 never becomes -0"


def test_pe_mac_twin_agrees(rng):
    a, w = stimulus.mixed_fp16(rng, 5000), stimulus.mixed_fp16(rng, 5000)
    acc = np.concatenate([stimulus.ordinary_fp32(rng, 4000),
                          rng.choice(stimulus.FP32_SPECIALS, 1000)])
    assert_same(vector.pe_mac(acc, a, w), each(reference.pe_mac, acc, a, w), acc, a, w)


def test_accumulator_conversions_agree(rng):
    fields = np.arange(128, dtype=np.uint32)
    mantissas = np.concatenate([np.array([0, 1, 0x400000, 0x7FFFFF]), rng.integers(0, 1 << 23, 20)])
    acc = (fields[:, None] << 23 | mantissas.astype(np.uint32)).ravel()
    acc = acc[(acc >> 23 != 0) | (acc == 0)]
    acc = np.concatenate([acc, acc | 1 << 30])
    value = vector.acc_to_fp32(acc)
    assert_same(value, each(reference.acc_to_fp32, acc), acc)
    assert_same(vector.fp32_to_acc(value), each(reference.fp32_to_acc, value), value)


def test_relu_and_mask_twins_agree(rng):
    value = np.concatenate([stimulus.FP32_SPECIALS, stimulus.random_bits(rng, 1000, np.uint32)])
    assert_same(vector.fp32_relu(value), each(reference.fp32_relu, value), value)
    half = stimulus.ALL_FP16
    assert_same(vector.mask_passes(half), each(reference.mask_passes, half), half)
    assert vector.fp32_relu(np.array([0x80000000], np.uint32))[0] == 0


def test_every_nan_is_canonical():
    nans = np.array([0x7F800001, 0xFFC12345, 0x7FFFFFFF], np.uint32)
    one = np.full(3, 0x3F800000, np.uint32)
    for result in (vector.fp32_add(nans, one), vector.fp32_mul(one, nans), vector.fp32_relu(nans)):
        assert (result == FP32.nan).all()
    assert (vector.fp32_to_fp16(nans) == FP16.nan).all()
    assert reference.fp32_to_fp16(0xFFC12345) == FP16.nan


@pytest.mark.parametrize(
    "fmt, width, inf, nan",
    [(FP16, 16, 0x7C00, 0x7E00), (FP32, 32, 0x7F800000, 0x7FC00000),
     (WIDE, 17, 63 << 10, 63 << 10 | 0x200), (ACC, 31, 127 << 23, 127 << 23 | 0x400000)],
    ids=lambda x: getattr(x, "name", None),
)
def test_formats_are_as_documented(fmt, width, inf, nan):
    assert (fmt.width, fmt.inf, fmt.nan) == (width, inf, nan)


def test_widened_subnormal_is_normalised():
    assert reference.fp16_widen(0x0001) == 1 << 10  # 2**-24: exponent field 1, fraction 0
    assert reference.fp16_widen(0x3C00) == 25 << 10
    assert reference.fp16_widen(0x8000) == 1 << 16


def test_patterns_and_values_outside_a_format_are_refused():
    with pytest.raises(ValueError, match="bits"):
        FP16.unpack(0x10000)
    with pytest.raises(ValueError, match="subnormals"):
        ACC.unpack(1)
    with pytest.raises(ValueError, match="range"):
        ACC.round_pack(FP32.unpack(1))
    with pytest.raises(TypeError, match="uint16"):
        vector.fp16_to_fp32(np.zeros(1, np.uint32))


@given(st.integers(0, 1 << 40), st.integers(-8, 45))
def test_round_half_even_is_pythons_round(sig, shift):
    assert round_half_even(sig, shift) == round(Fraction(sig) / Fraction(2) ** shift)
