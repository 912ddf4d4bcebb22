# SPDX-License-Identifier: Apache-2.0
"""PRUNE and UPDATE against the reference functions."""

import numpy as np
import pytest

from sat_golden import compress_bp, compress_ff, prune, reference, stimulus, update, vector
from sat_golden.formats import FP32


def bits(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def update_element(w, v, dw, inv_scale, momentum, lr, decay) -> tuple[int, int]:
    add, mul = reference.fp32_add, reference.fp32_mul
    g = mul(dw, inv_scale)
    if decay is not None:
        g = add(g, mul(decay, w))
    v = add(mul(momentum, v), g)
    u = mul(lr, v)
    minus_u = u if FP32.unpack(u).is_nan else u ^ FP32.sign_bit
    return add(w, minus_u), v


@pytest.mark.parametrize("decay", [None, bits(1e-4), 0])
@pytest.mark.parametrize("any_pattern", [False, True])
def test_update_agrees_with_the_reference(decay, any_pattern):
    rng = np.random.default_rng(1)
    shape = 20, 30
    draw = stimulus.random_bits if any_pattern else stimulus.ordinary_fp32
    w, v, dw = (draw(rng, shape, np.uint32) if any_pattern else draw(rng, shape) for _ in range(3))
    scalars = {"inv_scale": bits(2**-10), "momentum": bits(0.9), "lr": bits(0.05), "decay": decay}
    new_w, new_v = update(w, v, dw, **scalars)
    for index in np.ndindex(shape):
        expected = update_element(*(int(x[index]) for x in (w, v, dw)), **scalars)
        assert (int(new_w[index]), int(new_v[index])) == expected


def test_update_rounds_every_operation():
    """Against float64 without the intermediate roundings there would be a difference somewhere."""
    rng = np.random.default_rng(2)
    w, v, dw = (stimulus.ordinary_fp32(rng, (50, 50)) for _ in range(3))
    scalars = {"inv_scale": bits(1 / 3), "momentum": bits(0.9), "lr": bits(0.01)}
    new_w, _ = update(w, v, dw, **scalars)
    inv, mom, lr = (float(np.uint32(x).view(np.float32)) for x in scalars.values())
    wide = [x.view(np.float32).astype(float) for x in (w, v, dw)]
    once = (wide[0] - lr * (mom * wide[1] + wide[2] * inv)).astype(np.float32)
    close = new_w.view(np.float32)
    assert (close != once).any() and np.allclose(close, once)


@pytest.mark.parametrize("n, m", [(2, 8), (4, 4), (1, 16), (3, 4)])
def test_prune_rounds_then_compresses_both_ways(n, m):
    rng = np.random.default_rng(3)
    weights = stimulus.ordinary_fp32(rng, (33, 21))
    half = vector.fp32_to_fp16(weights)
    made = prune(weights, n, m)
    both = (made.ff, compress_ff(half, n, m)), (made.bp, compress_bp(half, n, m))
    for planes, expected in both:
        assert (planes.values == expected.values).all()
        assert n == m or (planes.indices == expected.indices).all()
    assert prune(weights, n, m, bp=False).bp is None
    assert prune(weights, n, m, ff=False).ff is None


def test_prune_of_fp16_keeps_nan_bits_and_of_fp32_does_not():
    half = np.array([[0xFD01], [0x0000]], np.uint16)
    assert prune(half, 1, 2).ff.values[0, 0] == 0xFD01
    single = np.array([[0xFFA00001], [0]], np.uint32)
    assert prune(single, 1, 2).ff.values[0, 0] == 0x7E00


def test_rounding_comes_before_selection():
    """Two weights that differ in FP32 but not in FP16: the lower index wins."""
    weights = np.array([[0x3F800000], [0x3F800001]], np.uint32)
    made = prune(weights, 1, 2)
    assert (made.ff.values[0, 0], made.ff.indices[0, 0]) == (0x3C00, 0)


@pytest.mark.parametrize("name", ["velocity", "gradient"])
def test_wrong_arguments_are_named(name):
    good = {key: np.zeros((2, 3), np.uint32) for key in ("weights", "velocity", "gradient")}
    scalars = {"inv_scale": 0, "momentum": 0, "lr": 0}
    with pytest.raises(ValueError, match=f"^{name}:"):
        update(**good | {name: np.zeros((3, 2), np.uint32)}, **scalars)
    with pytest.raises(TypeError, match=f"^{name}:"):
        update(**good | {name: np.zeros((2, 3), np.float32)}, **scalars)
