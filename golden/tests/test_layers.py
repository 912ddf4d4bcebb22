# SPDX-License-Identifier: Apache-2.0
"""Layers: gradients are right, an update prunes again, a network of them learns."""

import numpy as np
import pytest

from sat_golden import Planes, Windows, compress_bp, compress_ff, decompress, vector
from sat_golden.arguments import fp32
from sat_golden.layers import ConvBdwp, LinearBdwp, MlpBdwp


def half(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float16).view(np.uint16)


def number(bits: np.ndarray) -> np.ndarray:
    return bits.view(np.float16 if bits.dtype == np.uint16 else np.float32).astype(np.float64)


def he_normal(rng, inputs: int, outputs: int, gain: float = 2.0) -> np.ndarray:
    weights = rng.standard_normal((inputs, outputs)) * np.sqrt(gain / inputs)
    return weights.astype(np.float32).view(np.uint32)


def scalars(lr: float, momentum: float = 0.0, scale: float = 1.0, decay: float | None = None
            ) -> dict[str, int]:
    """Those of UPDATE, as patterns."""
    patterns = dict(lr=fp32(lr), momentum=fp32(momentum), inv_scale=fp32(1 / scale))
    return patterns if decay is None else patterns | {"decay": fp32(decay)}


def make_mlp(rng, sizes=(16, 32, 32, 4), nm=((2, 8), (2, 8), (2, 2))) -> MlpBdwp:
    return MlpBdwp([LinearBdwp(he_normal(rng, i, o), *ratio)
                    for i, o, ratio in zip(sizes, sizes[1:], nm)])


def squared_error(logits: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Half of it, a mean over the batch, and its gradient in float64."""
    difference = number(logits) - target
    return float(np.square(difference).sum() / 2 / len(target)), difference / len(target)


def train_step(mlp: MlpBdwp, x: np.ndarray, target: np.ndarray, scale: float, **rates) -> float:
    """The loss before it."""
    inputs, logits = mlp.forward(x)
    loss, gradient = squared_error(logits, target)
    d_outs = mlp.backward(inputs, half(gradient * scale))
    assert not mlp.step(inputs, d_outs, **scalars(scale=scale, **rates))
    return loss


def make_batch(rng, prototypes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy copies of one prototype per class."""
    labels = rng.integers(0, len(prototypes), size)
    return half(prototypes[labels] + 0.5 * rng.standard_normal((size, prototypes.shape[1]))), labels


@pytest.mark.parametrize("n, m", [(8, 8), (2, 8), (1, 4), (4, 16)])
def test_three_passes_agree_with_float64(n, m):
    """Up to FP16/FP32 rounding, each pass is the textbook formula with the pruned weights."""
    rng = np.random.default_rng(1)
    batch, k, j = 24, 20, 12
    layer = LinearBdwp(he_normal(rng, k, j), n, m)
    layer.bias = rng.standard_normal((1, j)).astype(np.float32).view(np.uint32)
    x, d_out = half(np.maximum(rng.standard_normal((batch, k)), 0)), half(
        rng.standard_normal((batch, j)))
    w_ff = number(decompress(layer.copies.ff, k, n, m))
    w_bp = number(decompress(layer.copies.bp, j, n, m))

    y = layer.forward(x, relu=True)
    assert np.allclose(number(y), np.maximum(number(x) @ w_ff + number(layer.bias), 0), 2e-3, 1e-2)
    d_x = layer.backward(d_out, below=x)
    assert np.allclose(number(d_x), (number(d_out) @ w_bp) * (number(x) > 0), 2e-3, 1e-2)
    d_w, d_b = layer.gradients(x, d_out)
    assert np.allclose(number(d_w), number(x).T @ number(d_out), 1e-5, 1e-5)
    assert np.allclose(number(d_b), number(d_out).sum(0, keepdims=True), 1e-5, 1e-5)


def plain_convolution(x, weights, windows):
    """float64: x [images][h][w][c], weights [kh][kw][c][j] -> [images][oh][ow][j]."""
    stride, dilation = 1 << windows.step_log2, 1 << windows.dilation_log2
    padded = np.pad(x, ((0, 0), *[(windows.pad_top, 16)] * 2, (0, 0)))
    out = 0
    for ky, kx in np.ndindex(weights.shape[:2]):
        y, x0 = ky * dilation, kx * dilation
        seen = padded[:, y : y + stride * windows.out_h : stride,
                      x0 : x0 + stride * windows.out_w : stride]
        out = out + seen @ weights[ky, kx]
    return out


@pytest.mark.parametrize("n, m", [(8, 8), (2, 8), (1, 4)])
@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (1, 2)])
def test_convolution_agrees_with_float64(n, m, stride, dilation):
    """FF with its pruned weights; BP is FF's transpose (with the other copy), WU its derivative."""
    rng = np.random.default_rng(6)
    windows = Windows.sliding(2, 7, 6, 3, 3, stride=stride, pad=dilation, dilation=dilation)
    c, j = 10, 12
    layer = ConvBdwp(he_normal(rng, 9 * c, j), n, m, windows)
    layer.bias = rng.standard_normal((1, j)).astype(np.float32).view(np.uint32)
    x = half(np.maximum(rng.standard_normal((windows.pixels, c)), 0))
    d_out = half(rng.standard_normal((windows.count, j)))
    images, out = (2, 7, 6), (2, windows.out_h, windows.out_w)

    def apply(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        y = plain_convolution(values.reshape(*images, c), weights.reshape(3, 3, c, j), windows)
        return y.reshape(-1, j)

    def pruned(planes: Planes, rows: int) -> np.ndarray:
        return np.stack([
            number(decompress(Planes(values, indices), rows, n, m)) for values, indices in zip(
                np.split(planes.values, 9),
                [None] * 9 if n == m else np.split(planes.indices, 9))])

    w_ff = pruned(layer.copies.ff, c)
    w_bp = pruned(layer.copies.bp, j)[::-1].transpose(0, 2, 1)
    y = layer.forward(x, relu=True)
    assert np.allclose(number(y), np.maximum(apply(number(x), w_ff) + number(layer.bias), 0),
                       2e-3, 1e-2)
    assert y.shape == (np.prod(out), j)

    # Both gradients are transposes of linear maps: <apply(v), d> = <v, gradient>.
    d_x, (d_w, d_b) = layer.backward(d_out, below=x), layer.gradients(x, d_out)
    v = rng.standard_normal((windows.pixels, c)) * (number(x) > 0)
    assert np.vdot(v, number(d_x)) == pytest.approx(np.vdot(apply(v, w_bp), number(d_out)),
                                                    rel=1e-2, abs=0.5)
    w = rng.standard_normal((9 * c, j))
    assert np.vdot(w, number(d_w)) == pytest.approx(np.vdot(apply(number(x), w), number(d_out)),
                                                    rel=1e-4, abs=1e-2)
    assert np.allclose(number(d_b), number(d_out).sum(0, keepdims=True), 1e-5, 1e-4)


def test_update_prunes_each_kernel_position():
    rng = np.random.default_rng(7)
    layer = ConvBdwp(he_normal(rng, 4 * 6, 5), 2, 4, Windows.sliding(1, 4, 4, 2, 2))
    dw = rng.standard_normal((24, 5)).astype(np.float32).view(np.uint32)
    before = number(layer.weights)
    layer.step(dw, np.zeros((1, 5), np.uint32), **scalars(lr=0.5))
    assert np.allclose(number(layer.weights), before - 0.5 * number(dw), 1e-6, 1e-6)
    rounded = vector.fp32_to_fp16(layer.weights).reshape(4, 6, 5)
    for position, weights in enumerate(rounded):
        ff, bp = compress_ff(weights, 2, 4), compress_bp(weights, 2, 4)
        assert (layer.copies.ff.values.reshape(4, 4, 5)[position] == ff.values).all()
        assert (layer.copies.bp.indices.reshape(4, 4, 6)[3 - position] == bp.indices).all()


def test_a_convolution_learns():
    """It recovers the kernel behind given maps."""
    rng = np.random.default_rng(8)
    windows = Windows.sliding(4, 6, 6, 3, 3, pad=1)
    layer = ConvBdwp(he_normal(rng, 9 * 2, 3, gain=0.1), 2, 2, windows)
    x = half(rng.standard_normal((windows.pixels, 2)))
    wanted = plain_convolution(number(x).reshape(4, 6, 6, 2), rng.standard_normal((3, 3, 2, 3)),
                               windows).reshape(-1, 3)
    errors = []
    for _ in range(40):
        difference = number(layer.forward(x, relu=False)) - wanted
        errors.append(np.square(difference).mean())
        d_out = half(difference / len(wanted))
        layer.step(*layer.gradients(x, d_out), **scalars(lr=0.2, momentum=0.9))
    assert errors[-1] < 0.01 * errors[0]


def test_pruned_copies_come_from_the_dense_weights():
    """Straight through: a weight that both copies drop is still updated, and may come back."""
    layer = LinearBdwp(np.array([[1.0, 1.0], [0.5, 1.0]], np.float32).view(np.uint32), 1, 2)
    assert layer.copies.ff.indices.tolist() == [[0, 0]]
    dw = np.array([[0, 0], [-1.0, 0]], np.float32).view(np.uint32)
    layer.step(dw, np.zeros((1, 2), np.uint32), **scalars(lr=1.0))
    assert number(layer.weights).tolist() == [[1.0, 1.0], [1.5, 1.0]]
    assert layer.copies.ff.indices.tolist() == [[1, 0]]
    assert layer.copies.bp.indices.tolist() == [[0, 0]]


def test_dense_gradients_agree_with_differences():
    """The gradient of the loss by a weight, against the change of the loss."""
    rng = np.random.default_rng(2)
    mlp = make_mlp(rng, sizes=(6, 8, 3), nm=((2, 2), (2, 2)))
    x, target = half(rng.standard_normal((16, 6))), rng.standard_normal((16, 3))
    inputs, logits = mlp.forward(x)
    d_outs = mlp.backward(inputs, half(squared_error(logits, target)[1] * 1024))
    d_w = number(mlp.layers[0].gradients(inputs[0], d_outs[0])[0]) / 1024

    def loss(weights: np.ndarray) -> float:
        h = np.maximum(number(x) @ weights, 0)
        out = (h @ number(mlp.layers[1].weights)).astype(np.float32).view(np.uint32)
        return squared_error(out, target)[0]

    weights, step = number(mlp.layers[0].weights), 1e-3
    for index in [(0, 0), (3, 5), (5, 7)]:
        delta = np.zeros_like(weights)
        delta[index] = step
        slope = (loss(weights + delta) - loss(weights - delta)) / (2 * step)
        assert d_w[index] == pytest.approx(slope, abs=3e-3, rel=0.05)


@pytest.mark.parametrize("nm", [(2, 8), (2, 4), (8, 8)])
def test_training_lowers_the_loss(nm):
    rng = np.random.default_rng(3)
    mlp = make_mlp(rng, nm=(nm, nm, (2, 2)))
    prototypes = rng.standard_normal((4, 16))

    def train() -> float:
        x, labels = make_batch(rng, prototypes, 64)
        return train_step(mlp, x, np.eye(4)[labels], 1024.0, lr=0.02, momentum=0.9, decay=1e-4)

    losses = [train() for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.2 * np.mean(losses[:5])
    x, labels = make_batch(rng, prototypes, 200)
    assert (number(mlp.forward(x)[1]).argmax(1) == labels).mean() > 0.95


def test_update_that_overflows_is_told():
    rng = np.random.default_rng(4)
    mlp = make_mlp(rng)
    inputs, logits = mlp.forward(make_batch(rng, rng.standard_normal((4, 16)), 8)[0])
    d_outs = mlp.backward(inputs, half(number(logits)))
    assert mlp.step(inputs, d_outs, **scalars(lr=1e9))


@pytest.mark.parametrize("value, error", [
    (1e39, ValueError), (3.4028236e38, ValueError), (-np.inf, ValueError), (np.nan, ValueError),
    (10**400, ValueError), (1e-46, ValueError), (-7e-46, ValueError), ("fast", TypeError),
    (np.ones(2), TypeError),
])
def test_scalar_that_fp32_lacks_is_named(value, error):
    with pytest.raises(error, match="^lr: "):
        fp32(value, "lr")


@pytest.mark.parametrize("value", [1e-45, 3.4028235e38, 0, -0.0, np.float64(0.1)])
def test_scalar_that_fp32_holds_passes(value):
    assert fp32(value) == np.float32(value).view(np.uint32)


def test_weight_gradients_of_finite_operands_are_finite():
    """Why the overflow flag is final before the first UPDATE."""
    x = np.full((300, 2), 0x7BFF, np.uint16)
    layer = LinearBdwp(np.zeros((2, 2), np.uint32), 2, 2)
    d_w, d_b = layer.gradients(x, x)
    assert np.isfinite(d_w.view(np.float32)).all() and np.isfinite(d_b.view(np.float32)).all()


def test_loss_scale_does_not_change_a_step_by_more_than_rounding():
    def trained(scale: float) -> np.ndarray:
        rng = np.random.default_rng(5)
        mlp = make_mlp(rng)
        x, labels = make_batch(rng, rng.standard_normal((4, 16)), 32)
        train_step(mlp, x, np.eye(4)[labels], scale, lr=0.1)
        return number(mlp.layers[0].weights)

    assert np.allclose(trained(256.0), trained(4096.0), atol=1e-4)


def test_scalars_are_fp32_patterns():
    assert fp32(1.0) == 0x3F800000
    assert vector.fp32_to_fp16(np.array([fp32(0.1)], np.uint32))[0] == 0x2E66
