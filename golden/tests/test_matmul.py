# SPDX-License-Identifier: Apache-2.0
"""MATMUL against the reference functions, one element at a time, and its epilogue."""

import numpy as np
import pytest

from sat_golden import (
    compress_ff,
    compressed_rows,
    decompress,
    kernel,
    matmul,
    multiply,
    reference,
    stimulus,
)
from sat_golden.compress import LEGAL_M
from sat_golden.formats import FP32

ALL_NM = [(n, m) for m in LEGAL_M for n in range(1, m + 1)]


def element(a_row, values, indices, n, m) -> int:
    """One accumulator by the book: kept elements in the order of the planes."""
    acc = 0
    for q, w in enumerate(values):
        k = q if n == m else q // n * m + (indices[q] & (m - 1))
        acc = reference.pe_mac(acc, a_row[k] if k < len(a_row) else 0, w)
    return acc


def random_single(rng, shape):
    """FP32 patterns."""
    draws = [stimulus.ordinary_fp32, lambda rng, shape: rng.choice(stimulus.FP32_SPECIALS, shape)]
    return draws[rng.integers(2)](rng, shape)


def random_case(rng, n, m, draw):
    """Keyword arguments of a small MATMUL with a random epilogue; planes need not be compressed
    weights: any index, any value is a legal operand."""
    i, j, k = (int(x) for x in rng.integers(1, 24, 3))
    q = compressed_rows(k, n, m)
    a_trans = bool(rng.integers(2))
    case = {
        "a": draw(rng, (k, i) if a_trans else (i, k)),
        "s_values": draw(rng, (q, j)),
        "n": n,
        "m": m,
        "a_trans": a_trans,
        "relu": bool(rng.integers(2)),
        "out_fp32": bool(rng.integers(2)),
    }
    if n != m:
        case["s_indices"] = rng.integers(0, 16, (q, j)).astype(np.uint8)
    if rng.integers(2):
        case["bias"] = random_single(rng, j)
    if rng.integers(2):
        case["residual"] = random_single(rng, (i, j)) if case["out_fp32"] else draw(rng, (i, j))
    if rng.integers(2):
        case["mask"] = stimulus.mixed_fp16(rng, (i, j), special=0.5)
    return case


def expected(case) -> np.ndarray:
    a = (case["a"].T if case["a_trans"] else case["a"]).tolist()
    values = case["s_values"].T.tolist()
    indices = case["s_indices"].T.tolist() if "s_indices" in case else [None] * len(values)

    def at(name, i, j):
        if name not in case:
            return None
        array = case[name]
        return int(array[j] if array.ndim == 1 else array[i, j])

    return np.array([
        [
            reference.epilogue(
                element(a[i], values[j], indices[j], case["n"], case["m"]),
                at("bias", i, j), at("residual", i, j), case["relu"], at("mask", i, j),
                case["out_fp32"],
            )
            for j in range(len(values))
        ]
        for i in range(len(a))
    ])


DRAWS = {
    "ordinary": stimulus.ordinary_fp16,
    "mixed": lambda rng, shape: stimulus.mixed_fp16(rng, shape, special=0.02),
    "any pattern": lambda rng, shape: stimulus.random_bits(rng, shape, np.uint16),
    "specials": lambda rng, shape: rng.choice(stimulus.FP16_SPECIALS, shape),
}


@pytest.fixture
def in_numpy():
    with kernel.using(None):
        yield


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
@pytest.mark.parametrize("n, m", ALL_NM)
def test_matmul_agrees_with_the_reference(n, m, draw, in_numpy):
    """numpy's functions; test_kernel.py has the compiled ones agree with them."""
    case = random_case(np.random.default_rng([n, m, list(DRAWS.values()).index(draw)]), n, m, draw)
    assert (matmul(**case) == expected(case)).all()


def test_blocks_do_not_change_the_result(monkeypatch, in_numpy):
    """Cut into blocks that divide nothing evenly, the sums stay the same."""
    rng = np.random.default_rng(1)
    a = stimulus.ordinary_fp16(rng, (50, 40))
    s = stimulus.ordinary_fp16(rng, (40, 30))
    planes = compress_ff(s, 3, 8)
    whole = matmul(a, s), matmul(a, planes.values, planes.indices, 3, 8)
    monkeypatch.setattr(multiply, "BLOCK_ELEMENTS", 100)
    monkeypatch.setattr(multiply, "BLOCK_COLS", 7)
    cut = matmul(a, s), matmul(a, planes.values, planes.indices, 3, 8)
    assert all((x == y).all() for x, y in zip(whole, cut))


def test_order_is_ascending_k():
    """2**-24 four times after 1 is lost to rounding each time; before it, it counts."""
    tiny, one = 0x0001, 0x3C00
    ones = np.full((5, 1), one, np.uint16)
    late = matmul(np.array([[one, tiny, tiny, tiny, tiny]], np.uint16), ones, out_fp32=True)
    early = matmul(np.array([[tiny, tiny, tiny, tiny, one]], np.uint16), ones, out_fp32=True)
    assert late[0, 0] == 0x3F800000
    assert early[0, 0] == 0x3F800002


@pytest.mark.parametrize("n, m", [(2, 8), (1, 4), (7, 16), (1, 2)])
def test_compressed_equals_dense_with_zeros(n, m):
    """Skipping zeros changes nothing for finite operands, whose accumulator is never -0."""
    rng = np.random.default_rng(3)
    a, w = stimulus.ordinary_fp16(rng, (20, 37)), stimulus.ordinary_fp16(rng, (37, 25))
    planes = compress_ff(w, n, m)
    sparse = matmul(a, planes.values, planes.indices, n, m, out_fp32=True)
    dense = matmul(a, decompress(planes, 37, n, m), out_fp32=True)
    assert (sparse == dense).all()


def test_padding_multiplies_zero():
    """An index past K meets A = +0: harmless with a number, NaN with an infinity."""
    a = np.array([[0x3C00]], np.uint16)
    values = np.array([[0x4000], [0x4400]], np.uint16)
    indices = np.array([[0], [3]], np.uint8)
    assert matmul(a, values, indices, 2, 4)[0, 0] == 0x4000
    values[1, 0] = 0x7C00
    assert matmul(a, values, indices, 2, 4)[0, 0] == 0x7E00


def test_only_the_low_index_bits_count():
    rng = np.random.default_rng(4)
    a, values = stimulus.ordinary_fp16(rng, (3, 8)), stimulus.ordinary_fp16(rng, (4, 3))
    indices = rng.integers(0, 4, (4, 3)).astype(np.uint8)
    high = (indices | 0xFC).astype(np.uint8)
    assert (matmul(a, values, indices, 2, 4) == matmul(a, values, high, 2, 4)).all()


def test_epilogue_keeps_nan_through_relu_and_makes_it_canonical():
    a = np.array([[0xFD23, 0x3C00]], np.uint16)
    ones = np.full((2, 1), 0x3C00, np.uint16)
    assert matmul(a, ones, relu=True, out_fp32=True)[0, 0] == FP32.nan
    assert matmul(a, ones, relu=True, mask=np.array([[0x8001]], np.uint16))[0, 0] == 0


def test_an_fp32_residual_continues_a_sum():
    """By blocks of the reduction: each block's sum begins with +0 and is added to C as a whole, so
    that the bits are those of numerics.md item 6, and not always those of one long reduction."""
    rng = np.random.default_rng(5)
    a, s = stimulus.ordinary_fp16(rng, (9, 48)), stimulus.ordinary_fp16(rng, (48, 7))
    c = np.zeros((9, 7), np.uint32)
    sums = []
    for k in range(0, 48, 16):
        c = matmul(a[:, k : k + 16], s[k : k + 16], residual=c, out_fp32=True)
        sums.append(matmul(a[:, k : k + 16], s[k : k + 16], out_fp32=True).view(np.float32))
    assert (c.view(np.float32) == (sums[0] + sums[1]) + sums[2]).all()
    whole = matmul(a, s, out_fp32=True)
    assert (c != whole).any()
    assert np.allclose(c.view(np.float32), whole.view(np.float32), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "change, name",
    [
        ({"a": np.zeros((2, 3), np.uint16)}, "s_values"),
        ({"a": np.zeros((2, 4), np.float16)}, "a"),
        ({"s_values": np.zeros(4, np.uint16)}, "s_values"),
        ({"s_indices": np.zeros((4, 3), np.uint8)}, "s_indices"),
        ({"n": 1}, "s_values"),
        ({"n": 2, "m": 4, "s_values": np.zeros((2, 3), np.uint16)}, "s_indices"),
        ({"n": 3}, "n"),
        ({"bias": np.zeros(2, np.uint32)}, "bias"),
        ({"bias": np.zeros(3, np.uint16)}, "bias"),
        ({"residual": np.zeros((3, 2), np.uint16)}, "residual"),
        ({"residual": np.zeros((2, 3), np.uint16), "out_fp32": True}, "residual"),
        ({"residual": np.zeros((2, 3), np.uint32)}, "residual"),
        ({"mask": np.zeros((2, 3), np.float16)}, "mask"),
    ],
)
def test_wrong_arguments_are_named(change, name):
    good = {"a": np.zeros((2, 4), np.uint16), "s_values": np.zeros((4, 3), np.uint16)}
    with pytest.raises((ValueError, TypeError), match=f"^{name}:"):
        matmul(**good | change)
