# SPDX-License-Identifier: Apache-2.0
"""AFFINE, STATS and POOL against the reference functions, one element at a time."""

from fractions import Fraction

import numpy as np
import pytest

from sat_golden import Windows, affine, max_pool, max_pool_backward, reference, stats, stimulus
from sat_golden.windows import OUTSIDE

DRAWS = {
    "ordinary": stimulus.ordinary_fp16,
    "mixed": lambda rng, shape: stimulus.mixed_fp16(rng, shape, special=0.05),
    "any pattern": lambda rng, shape: stimulus.random_bits(rng, shape, np.uint16),
    "specials": lambda rng, shape: rng.choice(stimulus.FP16_SPECIALS, shape),
}
drawn = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())


def draw_vector(rng: np.random.Generator, cols: int) -> np.ndarray:
    bits = rng.choice([stimulus.ordinary_fp32(rng, cols), rng.choice(stimulus.FP32_SPECIALS, cols),
                       stimulus.random_bits(rng, cols, np.uint32)])
    return bits.reshape(1, cols)


@drawn
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_affine_agrees_with_the_reference(draw, second, relu):
    rng = np.random.default_rng(1)
    for rows, cols in ((1, 1), (7, 5), (20, 33)):
        x, y = draw(rng, (rows, cols)), draw(rng, (rows, cols))
        alpha, beta, gamma = (draw_vector(rng, cols) for _ in range(3))
        got = affine(x, alpha, gamma, relu=relu, **({"y": y, "beta": beta} if second else {}))
        expected = [[
            reference.affine(int(x[r, c]), int(alpha[0, c]), int(gamma[0, c]),
                             *((int(y[r, c]), int(beta[0, c])) if second else (None, None)), relu)
            for c in range(cols)] for r in range(rows)]
        assert got.tolist() == expected


@drawn
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("rows, cols", [(1, 3), (7, 1), (8, 4), (61, 9)])
def test_stats_agree_with_the_reference(draw, second, rows, cols):
    rng = np.random.default_rng([rows, second])
    x, y = draw(rng, (rows, cols)), draw(rng, (rows, cols))
    total, dot = stats(x, y if second else None)
    other = y if second else x
    for c in range(cols):
        column, by = x[:, c].tolist(), other[:, c].tolist()
        assert total[0, c] == reference.stats_sum([reference.fp16_to_fp32(a) for a in column])
        assert dot[0, c] == reference.stats_sum(
            [reference.fp16_mul_exact(a, b) for a, b in zip(column, by)])


@pytest.mark.parametrize("rows", [1, 40, 5000])
def test_stats_round_the_exact_sum_once(rows):
    """Against rationals: no FP32 number is nearer, and of two as near it is the even one."""
    rng = np.random.default_rng(rows)
    x, y = (stimulus.random_bits(rng, (rows, 24), np.uint16) for _ in range(2))
    for z in (x, y):
        z[z >> 10 & 31 == 31] ^= 0x4000                 # finite
    x[: rows // 2, :8] = x[rows - rows // 2 :, :8] ^ 0x8000  # what is left of a cancellation
    y[: rows // 2, :8] = y[rows - rows // 2 :, :8]
    x_exact, y_exact = ([[Fraction(float(v)) for v in row] for row in z.view(np.float16)]
                        for z in (x, y))
    for bits, terms in zip(stats(x, y), (
            x_exact, [[a * b for a, b in zip(*pair)] for pair in zip(x_exact, y_exact)])):
        for column, sums in enumerate(zip(*terms)):
            exact, got = sum(sums), bits[0, column : column + 1].view(np.float32)
            error = abs(Fraction(float(got[0])) - exact)
            for other in np.nextafter(got, np.float32([-np.inf, np.inf])):
                step = abs(Fraction(float(other)) - exact)
                assert error < step or error == step and bits[0, column] % 2 == 0


def test_stats_do_not_depend_on_the_order():
    rng = np.random.default_rng(2)
    x = stimulus.random_bits(rng, (777, 9), np.uint16) & 0xBFFF
    order = rng.permutation(len(x))
    assert all(map(np.array_equal, stats(x), stats(x[order])))


@pytest.mark.parametrize("column, by, total, dot", [
    ([0x8000] * 3, [0x3C00] * 3, 0, 0),                      # never -0
    ([0x7C00, 0xFBFF], [0x3C00, 0x3C00], 0x7F800000, 0x7F800000),
    ([0x7C00, 0xFC00], [0x3C00, 0xBC00], 0x7FC00000, 0x7F800000),
    ([0x0000, 0x3C00], [0x7C00, 0x3C00], 0x3F800000, 0x7FC00000),
    ([0xFC01, 0x3C00], [0x3C00, 0x3C00], 0x7FC00000, 0x7FC00000),
    ([0xFC00, 0x0000], [0x3C00, 0x3C00], 0xFF800000, 0xFF800000),
])
def test_stats_of_special_numbers(column, by, total, dot):
    x, y = (np.array(half, np.uint16)[:, None] for half in (column, by))
    assert [int(bits[0, 0]) for bits in stats(x, y)] == [total, dot]


def seen_by(windows: Windows, *fmaps: np.ndarray):
    """By window, channel and position: what is seen, None where outside."""
    at = [windows.pixels_at(position).tolist() for position in range(windows.positions)]
    lists = [fmap.tolist() for fmap in fmaps]
    for window in range(windows.count):
        for channel in range(fmaps[0].shape[1]):
            yield [None if at[p][window] == OUTSIDE
                   else tuple(values[at[p][window]][channel] for values in lists)
                   for p in range(windows.positions)]


POOLS = [
    Windows.sliding(2, 6, 7, 2, 2, stride=2),
    Windows.sliding(1, 5, 5, 3, 3, stride=2, pad=1),
    Windows.sliding(1, 9, 4, 2, 3, pad=1, dilation=2),
    Windows(2, 3, 3, 6, 5, 4, 4, step_log2=1, pad_top=5, pad_left=4),  # some wholly outside
]


@drawn
@pytest.mark.parametrize("windows", POOLS)
def test_max_pool_agrees_with_the_reference(windows, draw):
    x = draw(np.random.default_rng(3), (windows.pixels, 5))
    x[::2] = x[::-1][: len(x[::2])]  # ties
    largest, winner = max_pool(x, windows)
    expected = [reference.max_pool([pixel and pixel[0] for pixel in seen])
                for seen in seen_by(windows, x)]
    assert list(zip(largest.ravel().tolist(), winner.ravel().tolist())) == expected


@drawn
@pytest.mark.parametrize("windows", POOLS[:3])
def test_max_pool_backward_agrees_with_the_reference(windows, draw):
    rng = np.random.default_rng(4)
    back = windows.transposed()
    d_out = draw(rng, (back.pixels, 5))
    for winner in (max_pool(draw(rng, (windows.pixels, 5)), windows)[1],
                   rng.integers(0, 16, d_out.shape).astype(np.uint8)):
        got = max_pool_backward(d_out, winner, back)
        expected = [reference.max_pool_backward(seen) for seen in seen_by(back, d_out, winner)]
        assert got.ravel().tolist() == expected


def test_gradient_of_pooling_goes_to_the_winners():
    windows = Windows.sliding(2, 8, 8, 2, 2, stride=2)
    x = stimulus.ordinary_fp16(np.random.default_rng(5), (windows.pixels, 3))
    largest, winner = max_pool(x, windows)
    d_x = max_pool_backward(largest, winner, windows.transposed())
    assert (np.sort(d_x[d_x != 0]) == np.sort(largest[largest != 0])).all()
    assert (d_x[d_x != 0] == x[d_x != 0]).all()


@pytest.mark.parametrize("values, largest, winner", [
    ([0x8000, 0x0000, 0x8000, 0x0000], 0x0000, 1),  # -0 lies below +0, the first +0 wins
    ([0x7C00, 0x7E01, 0x7C01, 0x3C00], 0x7E01, 1),  # a NaN is largest, and keeps its bits
    ([0xFE00, 0xFC00, 0xFBFF, 0xFFFF], 0xFBFF, 2),  # with its sign set it lies below -infinity
])
def test_order_of_pooling(values, largest, winner):
    windows = Windows.sliding(1, 2, 2, 2, 2)
    got = max_pool(np.array(values, np.uint16).reshape(4, 1), windows)
    assert (got[0][0, 0], got[1][0, 0]) == (largest, winner)


def test_batch_normalisation_is_made_of_these():
    """Forward and backward from per-channel scalars, against float64."""
    rng = np.random.default_rng(6)
    rows, cols, eps = 400, 6, 1e-5

    def half(values):
        return np.asarray(values, np.float16).view(np.uint16)

    def single(values):
        return np.asarray(values, np.float32).reshape(1, -1).view(np.uint32)

    def number(bits):
        return bits.view(np.float16 if bits.dtype == np.uint16 else np.float32).astype(np.float64)

    x = half(rng.standard_normal((rows, cols)) * 3 + rng.standard_normal(cols))
    scale, shift = rng.standard_normal((2, cols))
    total, square = (number(sums)[0] for sums in stats(x))
    mean = total / rows
    inv_std = 1 / np.sqrt(square / rows - mean**2 + eps)
    y = affine(x, single(scale * inv_std), single(shift - scale * inv_std * mean))
    normal = (number(x) - number(x).mean(0)) / np.sqrt(number(x).var(0) + eps)
    assert np.allclose(number(y), normal * scale + shift, 2e-3, 4e-3)

    d_y = half(rng.standard_normal((rows, cols)))
    d_shift, by_x = (number(sums)[0] for sums in stats(d_y, x))
    d_scale = (by_x - mean * d_shift) * inv_std
    alpha = scale * inv_std
    beta = -alpha * inv_std * d_scale / rows
    d_x = affine(d_y, single(alpha), single(-alpha * d_shift / rows - beta * mean),
                 y=x, beta=single(beta))
    gradient = number(d_y) * scale
    expected = (gradient - gradient.mean(0) - normal * (gradient * normal).mean(0)) * inv_std
    assert np.allclose(number(d_x), expected, 2e-3, 2e-3)


@pytest.mark.parametrize("call, name", [
    (lambda x, v, w: affine(x, v[:, :2], v), "alpha"),
    (lambda x, v, w: affine(x, v, v.astype(np.float32)), "gamma"),
    (lambda x, v, w: affine(x, v, v, y=x), "beta"),
    (lambda x, v, w: affine(x, v, v, y=x[:2], beta=v), "y"),
    (lambda x, v, w: stats(x, x[:2]), "y"),
    (lambda x, v, w: max_pool(x[:2], w), "x"),
    (lambda x, v, w: max_pool(x, Windows(1, 3, 3, 1, 1, 3, 6)), "windows"),
    (lambda x, v, w: max_pool_backward(x, x, w), "winner"),
])
def test_wrong_arguments_are_named(call, name):
    x = np.zeros((9, 3), np.uint16)
    with pytest.raises((ValueError, TypeError), match=f"^{name}:"):
        call(x, np.zeros((1, 3), np.uint32), Windows.sliding(1, 3, 3, 2, 2))


def test_arrays_agree_with_the_order_of_pooling():
    halves = stimulus.ALL_FP16
    keys = [reference.sign_magnitude(int(half)) for half in halves]
    windows = Windows(1, 1, 2, 1, 1, 1, 2)
    rng = np.random.default_rng(7)
    other = rng.permutation(halves)
    largest = max_pool(np.stack((halves, other)), windows)[0][0]
    expected = [int(a if keys[a] >= keys[b] else b) for a, b in zip(halves, other)]
    assert largest.tolist() == expected
