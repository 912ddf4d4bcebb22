# SPDX-License-Identifier: Apache-2.0
"""The transformer block: what a step computes, that it learns, and that RTL has the same bits."""

import numpy as np
import pytest

from sat import CheckedBackend, Core, GoldenBackend, SatConfig, SimBackend
from sat.nn import (
    BlockShape,
    LossScale,
    TrainingDiverged,
    TransformerBlock,
    mean_squared,
    softmax,
)
from sat.nn.functional import EPSILON, layer_norm, layer_norm_backward, softmax_backward

SHAPE = BlockShape(batch=2, tokens=16, dim=64, heads=2, hidden=128)
MEMORY_BYTES = 2 << 20
# Of the Frobenius norm: FP16 rounds to 2^-11 = 0.05 % at each of some ten steps in a row.
TOLERANCE = 0.005


def make_block(core: Core, shape: BlockShape = SHAPE, nm=(2, 8), **options) -> TransformerBlock:
    """A block whose norms and biases are not what they start as, so that tests see them."""
    rng = np.random.default_rng(3)
    block = TransformerBlock(core, shape, rng, nm, **options)
    rows = [row for norm in block.norms for row in (norm.scale.row, norm.shift.row)]
    for row in (*rows, *(layer.bias for layer in block.layers)):
        row.write((row.read() + 0.2 * rng.standard_normal(row.shape)).astype(np.float32))
    return block


def make_batch(shape: BlockShape = SHAPE, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Tokens, and what to make of them: the token before."""
    x = np.random.default_rng(seed).standard_normal((shape.batch, shape.tokens, shape.dim))
    return x.astype(np.float16), np.roll(x, 1, axis=1)


def parameters(block: TransformerBlock) -> dict[str, np.ndarray]:
    """Everything that is trained, as float64."""
    tensors = {}
    for norm in block.norms:
        tensors |= {f"{norm.name}.scale": norm.scale.row, f"{norm.name}.shift": norm.shift.row}
    for layer in block.layers:
        tensors |= {layer.name: layer.w, f"{layer.name}.bias": layer.bias}
    return {name: tensor.read().astype(np.float64) for name, tensor in tensors.items()}


def step_gradients(block: TransformerBlock, x: np.ndarray, target: np.ndarray
                   ) -> dict[str, np.ndarray]:
    """y, and what a step without momentum takes the gradients to be."""
    before = parameters(block)
    assert not block.train_step(x, mean_squared(target)).skipped
    after = parameters(block)
    return {"y": block.down.out.read().astype(np.float64),
            "d_x": block.d_x.read().astype(np.float64) / block.scale.value,
            **{name: (before[name] - after[name]) / block.lr for name in before}}


def heads_of(rows: np.ndarray, shape: BlockShape) -> np.ndarray:
    """[batch*tokens][dim] -> [batch][heads][tokens][head_dim]"""
    return rows.reshape(shape.batch, shape.tokens, shape.heads, -1).transpose(0, 2, 1, 3)


def rows_of(heads: np.ndarray) -> np.ndarray:
    """The reverse."""
    batch, count, tokens, size = heads.shape
    return heads.transpose(0, 2, 1, 3).reshape(batch * tokens, count * size)


def normalize(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    deviation = np.sqrt(x.var(axis=1, keepdims=True) + EPSILON)
    return (x - x.mean(axis=1, keepdims=True)) / deviation, deviation


def reference_step(block: TransformerBlock, x: np.ndarray, target: np.ndarray,
                   positive: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The block in float64, straight from the equations: y and the gradients of `mean_squared`.
    Forward multiplies by W_FF, backward by W_BP, as BDWP says. `positive` says on which side
    of zero the MLP's sums are: where rounding decides that, the gradient jumps."""
    s, p = block.shape, parameters(block)
    ff = {layer.name: layer.ff.to_dense().astype(float) for layer in block.layers}
    bp = {layer.name: layer.bp.to_dense().astype(float) for layer in block.layers}
    x, target = x.reshape(s.rows, s.dim).astype(float), target.reshape(s.rows, s.dim)

    x_hat, x_deviation = normalize(x)
    x_norm = x_hat * p["norm0.scale"] + p["norm0.shift"]
    q, k, v = (heads_of(part, s)
               for part in np.split(x_norm @ ff["qkv"] + p["qkv.bias"], 3, axis=1))
    logits = q @ k.swapaxes(2, 3) / np.sqrt(s.head_dim)
    weights = np.exp(logits - logits.max(axis=3, keepdims=True))
    weights /= weights.sum(axis=3, keepdims=True)
    context = rows_of(weights @ v)
    h = x + context @ ff["out"] + p["out.bias"]
    h_hat, h_deviation = normalize(h)
    h_norm = h_hat * p["norm1.scale"] + p["norm1.shift"]
    sums = h_norm @ ff["up"] + p["up.bias"]
    positive = sums > 0 if positive is None else positive
    assert ((sums > 0) != positive).mean() < 0.01
    hidden = sums * positive
    y = h + hidden @ ff["down"] + p["down.bias"]

    g = {"y": y}

    def norm_backward(name, d_norm, hat, deviation):
        g[f"{name}.scale"] = (d_norm * hat).sum(axis=0, keepdims=True)
        g[f"{name}.shift"] = d_norm.sum(axis=0, keepdims=True)
        d_hat = d_norm * p[f"{name}.scale"]
        size = d_hat.shape[1]
        jacobian = (np.eye(size) - 1 / size - hat[:, :, None] * hat[:, None, :] / size)
        return np.einsum("ri,rij->rj", d_hat, jacobian) / deviation

    def linear_backward(name, source, d_out):
        g[name], g[f"{name}.bias"] = source.T @ d_out, d_out.sum(axis=0, keepdims=True)
        return d_out @ bp[name]

    d_y = (y - target) / y.size
    d_hidden = linear_backward("down", hidden, d_y) * positive
    d_h = d_y + norm_backward("norm1", linear_backward("up", h_norm, d_hidden), h_hat, h_deviation)
    d_context = heads_of(linear_backward("out", context, d_h), s)
    d_weights = d_context @ v.swapaxes(2, 3)
    d_logits = weights * (d_weights - (weights * d_weights).sum(axis=3, keepdims=True))
    d_logits /= np.sqrt(s.head_dim)
    d_qkv = np.concatenate([rows_of(d_logits @ k), rows_of(d_logits.swapaxes(2, 3) @ q),
                            rows_of(weights.swapaxes(2, 3) @ d_context)], axis=1)
    g["d_x"] = d_h + norm_backward("norm0", linear_backward("qkv", x_norm, d_qkv), x_hat,
                                   x_deviation)
    return g


def torch_step(torch, block: TransformerBlock, x: np.ndarray, target: np.ndarray
               ) -> dict[str, np.ndarray]:
    """The same of a dense block, by torch's own layers and autograd."""
    s = block.shape
    p = {name: torch.tensor(values, requires_grad=True)
         for name, values in parameters(block).items()}
    x = torch.tensor(x.reshape(s.rows, s.dim).astype(float), requires_grad=True)

    def norm(rows, name):
        return torch.nn.functional.layer_norm(rows, (s.dim,), p[f"{name}.scale"][0],
                                              p[f"{name}.shift"][0], EPSILON)

    def split(rows):
        return rows.reshape(s.batch, s.tokens, s.heads, -1).transpose(1, 2)

    x_norm = norm(x, "norm0")
    q, k, v = (split(part) for part in (x_norm @ p["qkv"] + p["qkv.bias"]).chunk(3, dim=1))
    context = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    h = x + context.transpose(1, 2).reshape(s.rows, s.dim) @ p["out"] + p["out.bias"]
    hidden = torch.relu(norm(h, "norm1") @ p["up"] + p["up.bias"])
    y = h + hidden @ p["down"] + p["down.bias"]
    target = torch.tensor(target.reshape(s.rows, s.dim).astype(float))
    (0.5 * torch.nn.functional.mse_loss(y, target)).backward()
    return {"y": y.detach().numpy(), "d_x": x.grad.numpy(),
            **{name: tensor.grad.numpy() for name, tensor in p.items()}}


def assert_close(got: dict[str, np.ndarray], wanted: dict[str, np.ndarray], tolerance: float):
    assert got.keys() == wanted.keys()
    for name, array in wanted.items():
        error = np.linalg.norm(got[name] - array) / np.linalg.norm(array)
        assert error < tolerance, f"{name}: relative error {error:.2g}"


@pytest.mark.quick
@pytest.mark.parametrize("nm", [(2, 2), (2, 8), (1, 4)])
@pytest.mark.parametrize("shape", [SHAPE, BlockShape(1, 5, 32, 1, 20),
                                   BlockShape(3, 33, 96, 3, 64)])
def test_step_is_gradient_descent(core: Core, shape, nm):
    """Against float64 backpropagation through the same pruned weights."""
    block = make_block(core, shape, nm, lr=0.5, momentum=0.0)
    x, target = make_batch(shape)
    block.forward(x)
    wanted = reference_step(block, x, target, block.up.out.read() > 0)
    assert_close(step_gradients(block, x, target), wanted, TOLERANCE)


@pytest.mark.quick
def test_dense_step_equals_torch(core: Core):
    torch = pytest.importorskip("torch", reason="torch is not installed: no check against it")
    block = make_block(core, nm=(2, 2), lr=0.5, momentum=0.0)
    for layer in block.layers:  # what the core sees of weights is FP16, so let torch see that
        layer.w.write(layer.w.read().astype(np.float16).astype(np.float32))
    x, target = make_batch()
    wanted = torch_step(torch, block, x, target)
    assert_close(reference_step(block, x, target), wanted, 1e-9)
    # FP16 puts some of the MLP's sums on the other side of zero.
    assert_close(step_gradients(block, x, target), wanted, 4 * TOLERANCE)


@pytest.mark.quick
def test_host_arithmetic_matches_difference_quotients(rng):
    x, d_out = rng.standard_normal((2, 4, 6))
    scale, shift = rng.standard_normal((2, 1, 6))
    step = 1e-6 * rng.standard_normal(x.shape)

    def change(function, argument, by):
        return (d_out * (function(argument + by) - function(argument - by))).sum() / 2

    d_x, d_scale, d_shift = layer_norm_backward(x, scale, d_out)
    for function, argument, by, gradient in (
            (lambda x: layer_norm(x, scale, shift), x, step, d_x),
            (lambda scale: layer_norm(x, scale, shift), scale, step[:1], d_scale),
            (lambda shift: layer_norm(x, scale, shift), shift, step[:1], d_shift),
            (softmax, x, step, softmax_backward(softmax(x), d_out))):
        assert change(function, argument, by) == pytest.approx((gradient * by).sum(), rel=1e-5)


@pytest.mark.quick
def test_update_keeps_copies_in_step_with_weights(core: Core):
    block = make_block(core)
    x, target = make_batch()
    block.train_step(x, mean_squared(target))
    for layer in block.layers:
        w = layer.w.read().astype(np.float16)
        for copy, dense in ((layer.ff, w), (layer.bp, w.T)):
            kept = copy.to_dense()
            assert np.array_equal(kept[kept != 0], dense[kept != 0])
            assert (kept != 0).reshape(-1, 8, kept.shape[1]).sum(axis=1).max() == 2


@pytest.mark.quick
@pytest.mark.parametrize("shape", [SHAPE, BlockShape(1, 64, 256, 8, 512)])
def test_measured_step_has_the_same_bits(shape):
    images, measures = [], {}
    for wanted in (None, measures):
        core = Core(GoldenBackend(memory_size=16 << 20))
        block = make_block(core, shape)
        x, target = make_batch(shape)
        block.train_step(x, mean_squared(target), wanted)
        images.append([tensor.read() for tensor in core.tensors])
    assert all(np.array_equal(a, b) for a, b in zip(*images))
    assert sum(measure.macs for measure in measures.values()) == block.macs


@pytest.mark.quick
def test_macs_of_a_step(core: Core):
    measures = {}
    x, target = make_batch()
    make_block(core).train_step(x, mean_squared(target), measures)
    attention = 2 * 2 * (2 * 16 * 16 * 32)  # sequences, heads, and two products
    assert {label: measure.macs for label, measure in measures.items()} == {
        "FF qkv": 32 * 16 * 192, "FF transpose": 0, "FF attention": attention,
        "FF out": 32 * 16 * 64, "FF up": 32 * 16 * 128, "FF down": 32 * 32 * 64,
        "BP down": 32 * 16 * 128, "BP up": 32 * 32 * 64, "BP out": 32 * 16 * 64,
        "BP transpose": 0, "BP attention": 2 * attention, "BP qkv": 32 * 48 * 64,
        "WU qkv": 32 * 64 * 192, "WU out": 32 * 64 * 64, "WU up": 32 * 64 * 128,
        "WU down": 32 * 128 * 64,
        **{f"UPDATE {name}": 0 for name in ("norm0.scale", "norm0.shift", "norm1.scale",
                                            "norm1.shift", "qkv", "out", "up", "down")}}


@pytest.mark.quick
def test_block_learns_to_look_at_the_token_before(core: Core):
    """Tokens are their position and 28 random bits; the bits of the token before are to be added.
    Without attention the best is to add nothing."""
    block = TransformerBlock(core, BlockShape(8, 8, 64, 2, 64), np.random.default_rng(3), (2, 8),
                             lr=0.8)
    x = np.zeros((8, 8, 64))
    x[..., :8] = 3 * np.eye(8)
    x[..., 8:36] = np.random.default_rng(5).choice([-1.0, 1.0], (8, 8, 28))
    target = x.copy()
    target[..., 36:] = np.roll(x[..., 8:36], 1, axis=1)
    without_attention = (target[..., 36:] ** 2).sum() / target.size / 2
    losses = [block.train_step(x.astype(np.float16), mean_squared(target)).loss for _ in range(60)]
    assert losses[-1] < 0.7 * without_attention < without_attention < losses[0]


@pytest.mark.quick
def test_forward_leaves_everything_as_it_is(core: Core):
    block = make_block(core)
    before = parameters(block)
    x, target = make_batch()
    y = block.forward(x)
    assert np.array_equal(y, block.forward(x.reshape(SHAPE.rows, SHAPE.dim)))
    assert all(np.array_equal(after, before[name]) for name, after in parameters(block).items())
    assert np.linalg.norm(y - reference_step(block, x, target)["y"]) < TOLERANCE * y.size ** 0.5


@pytest.mark.quick
@pytest.mark.parametrize("scale, last", [(2.0**40, "FF 2"), (2e4, "BP+WU 3")])
def test_overflow_skips_the_step_and_halves_the_scale(core: Core, scale, last):
    """At the host's first gradient, or on the core, in the MLP's."""
    block = make_block(core, scale=LossScale(value=scale, largest=2.0**40))
    block.down.w.write(block.down.w.read() * 300)
    block.prune()
    before = parameters(block)
    x, target = make_batch()
    step = block.train_step(x, mean_squared(target))
    assert step.skipped and block.scale.value == scale / 2
    assert list(step.programs)[-1] == last
    assert all(np.array_equal(after, before[name]) for name, after in parameters(block).items())


@pytest.mark.quick
def test_update_that_overflows_ends_training(core: Core):
    block = make_block(core, lr=1e9)
    x, target = make_batch()
    with pytest.raises(TrainingDiverged, match="^the update overflowed"):
        block.train_step(x, mean_squared(target))
    assert block.scale == LossScale()


@pytest.mark.quick
def test_steps_that_overflow_at_any_scale_end_training(core: Core):
    block = make_block(core, scale=LossScale(value=4.0))
    block.down.w.write(np.full(block.down.w.shape, 1e6, np.float32))
    block.prune()
    x, target = make_batch()
    for _ in range(2):
        assert block.train_step(x, mean_squared(target)).skipped
    with pytest.raises(TrainingDiverged, match="at a loss scale of 1, the last of 3 in a row"):
        block.train_step(x, mean_squared(target))


@pytest.mark.quick
def test_momentum_is_that_of_the_step(core: Core):
    block = make_block(core, keep=True)
    for momentum, seed in ((0.9, 4), (0.0, 5)):
        block.momentum = momentum
        x, target = make_batch(seed=seed)
        block.train_step(x, mean_squared(target))
    for layer in block.layers:
        assert np.array_equal(layer.v.read(), layer.dw.read() / np.float32(block.scale.value))


@pytest.mark.quick
@pytest.mark.parametrize("sizes, name", [
    ((0, 16, 64, 2, 128), "batch"),
    ((2, 16, 64, 3, 128), "dim"),
    ((2, 16, 64, 4, 128), "dim"),
    ((1, 16, 32 * 700, 700, 128), "dim"),
    ((2, 16, 64, 2, 70000), "hidden"),
    ((300, 256, 64, 2, 128), "batch"),
    ((100, 16, 256, 8, 128), "batch"),
])
def test_illegal_shape_is_named(sizes, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        BlockShape(*sizes)


@pytest.mark.quick
@pytest.mark.parametrize("x, loss, error, name", [
    (np.zeros((2, 16, 32), np.float16), mean_squared(np.zeros((32, 64))), ValueError, "x"),
    (np.zeros((2, 16, 64), np.float32), mean_squared(np.zeros((32, 64))), TypeError, "x"),
    (np.zeros((2, 16, 64), np.float16), lambda y: (0.0, y[0]), ValueError, "loss"),
])
def test_wrong_argument_is_named(core: Core, x, loss, error, name):
    with pytest.raises(error, match=f"^{name}:"):
        make_block(core).train_step(x, loss)


@pytest.mark.quick
def test_illegal_nm_is_named(core: Core):
    with pytest.raises(ValueError, match="^m: 3"):
        make_block(core, nm=(2, 3))


def test_rtl_step_equals_the_golden_model():
    config = SatConfig.from_name("2x2")
    backend = CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES),
                             GoldenBackend(config, memory_size=MEMORY_BYTES))
    with backend:
        block = make_block(Core(backend))
        for seed, measures in ((4, None), (5, {})):
            x, target = make_batch(seed=seed)
            assert not block.train_step(x, mean_squared(target), measures).skipped
    assert backend.tensors_compared > 80
    assert backend.differing_bits == 0, backend.reports
