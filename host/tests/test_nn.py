# SPDX-License-Identifier: Apache-2.0
"""Training: what a step computes, loss scaling, and that a network learns."""

import gc

import numpy as np
import pytest

from sat import CheckedBackend, Core, GoldenBackend, Program, SatConfig, SimBackend
from sat.memory import FP16, FP32
from sat.nn import LayerSpec, LossScale, Mlp, TrainingDiverged, cross_entropy, mlp, softmax
from sat.nn.loss import column_sums
from sat_golden.arguments import fp32
from sat_golden.layers import LinearBdwp, MlpBdwp
from sat_golden.multiply import matmul
from sat_golden.vector import fp32_add

SIZES, BATCH = (32, 48, 24, 5), 16


def make_net(core: Core, nm=(2, 8), **options) -> Mlp:
    return Mlp(core, mlp(SIZES, nm), BATCH, np.random.default_rng(3), **options)


def make_batch(seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((BATCH, SIZES[0])).astype(np.float16)
    return x, rng.integers(0, SIZES[-1], BATCH)


@pytest.mark.quick
def test_dense_step_is_gradient_descent(core: Core):
    """Against plain float64 backpropagation."""
    net = make_net(core, nm=(2, 2), lr=0.5, momentum=0.0)
    weights = [layer.w.read().astype(float) for layer in net.layers]
    x, labels = make_batch()
    net.train_step(x, labels)
    inputs = [x.astype(float)]
    for w in weights[:-1]:
        inputs.append(np.maximum(inputs[-1] @ w, 0))
    gradient = softmax(inputs[-1] @ weights[-1])
    gradient[np.arange(BATCH), labels] -= 1
    gradient /= BATCH
    for layer, w, source in reversed(list(zip(net.layers, weights, inputs))):
        assert np.allclose(layer.w.read(), w - 0.5 * source.T @ gradient, atol=2e-3)
        assert np.allclose(layer.bias.read(), -0.5 * gradient.sum(0), atol=2e-3)
        gradient = gradient @ w.T * (source > 0)


@pytest.mark.quick
def test_update_keeps_copies_in_step_with_weights(core: Core):
    net = make_net(core)
    net.train_step(*make_batch())
    for layer in net.layers:
        w = layer.w.read().astype(np.float16)
        ff = layer.ff.to_dense()
        assert np.array_equal(ff[ff != 0], w[ff != 0])
        if layer.bp:
            bp = layer.bp.to_dense().T
            assert np.array_equal(bp[bp != 0], w[bp != 0])


@pytest.mark.quick
@pytest.mark.parametrize("sizes", [SIZES, (256, 256, 256)])
def test_split_step_has_the_same_bits(sizes):
    images = []
    for split in (False, True):
        backend = GoldenBackend(memory_size=8 << 20)
        core = Core(backend)
        net = Mlp(core, mlp(sizes, (2, 8), dense_last=False), BATCH, np.random.default_rng(3))
        rng = np.random.default_rng(5)
        x = rng.standard_normal((BATCH, sizes[0])).astype(np.float16)
        net.train_step(x, rng.integers(0, sizes[-1], BATCH), split=split)
        images.append([tensor.read() for tensor in core.tensors])
    assert all(np.array_equal(a, b) for a, b in zip(*images))


@pytest.mark.quick
def test_network_learns(core: Core):
    net = make_net(core, lr=0.05)
    x, labels = make_batch()
    losses = [net.train_step(x, labels).loss for _ in range(40)]
    assert losses[-1] < 0.2 * losses[0]
    assert net.accuracy(x, labels) > 0.9


@pytest.mark.quick
def test_overflow_skips_the_step_and_halves_the_scale(core: Core):
    net = make_net(core, scale=LossScale(value=2.0**40, largest=2.0**40))
    before = [layer.w.read() for layer in net.layers]
    step = net.train_step(*make_batch())
    assert step.skipped and net.scale.value == 2.0**39
    assert all(np.array_equal(layer.w.read(), w) for layer, w in zip(net.layers, before))


@pytest.mark.quick
def test_overflow_on_the_core_skips_the_update(core: Core, rng):
    """The host's gradient is finite; the one of the layer below is not."""
    net = make_net(core, scale=LossScale(value=60000.0))
    top = net.layers[-1]
    top.w.write((1000 * rng.standard_normal(top.w.shape)).astype(np.float32))
    core.run(net._prune_program())
    before = top.w.read()
    step = net.train_step(*make_batch())
    assert step.skipped and "BP+WU+UPDATE" in step.programs
    assert np.array_equal(top.w.read(), before)


@pytest.mark.quick
def test_steps_are_those_of_the_golden_layers(core: Core):
    """The commands of a step, bit for bit against the layers on arrays."""
    net = make_net(core, lr=0.05)
    golden = MlpBdwp([LinearBdwp(layer.w.read().view(np.uint32), layer.spec.n, layer.spec.m)
                      for layer in net.layers])
    for seed in (4, 5):
        x, labels = make_batch(seed)
        inputs, logits = golden.forward(x.view(np.uint16))
        gradient = cross_entropy(logits.view(np.float32), labels, net.scale.value).gradient
        d_outs = golden.backward(inputs, gradient.view(np.uint16))
        golden.step(inputs, d_outs, lr=fp32(0.05), momentum=fp32(0.9),
                    inv_scale=fp32(1 / net.scale.value))
        net.train_step(x, labels)
        for layer, other in zip(net.layers, golden.layers):
            assert np.array_equal(layer.w.read().view(np.uint32), other.weights)
            assert np.array_equal(layer.bias.read().view(np.uint32), other.bias)


def many_batches(count: int) -> tuple[np.ndarray, np.ndarray]:
    x, labels = zip(*(make_batch(seed) for seed in range(4, 4 + count)))
    return np.concatenate(x), np.concatenate(labels)


@pytest.mark.quick
@pytest.mark.parametrize("split", [False, True])
def test_micro_batches_add_up(core: Core, split: bool):
    """The gradients of the golden layers, added in order, and one update of their sum. Those of
    biases are products, to which the array can add."""
    net = make_net(core, lr=0.05)
    golden = MlpBdwp([LinearBdwp(layer.w.read().view(np.uint32), layer.spec.n, layer.spec.m)
                      for layer in net.layers])
    ones = np.ones((1, BATCH), np.float16).view(np.uint16)
    x, labels = many_batches(3)
    total: list[tuple[np.ndarray, ...]] = []
    for first in range(0, len(x), BATCH):
        part = slice(first, first + BATCH)
        inputs, logits = golden.forward(x[part].view(np.uint16))
        loss = cross_entropy(logits.view(np.float32), labels[part], net.scale.value / 3)
        d_outs = golden.backward(inputs, loss.gradient.view(np.uint16))
        parts = [(layer.gradients(source, d_out)[0], matmul(ones, d_out, out_fp32=True))
                 for layer, source, d_out in zip(golden.layers, inputs, d_outs)]
        total = [tuple(fp32_add(new, old) for new, old in zip(*sums))
                 for sums in zip(parts, total)] if total else parts
    for layer, (dw, db) in zip(golden.layers, total):
        layer.step(dw, db, lr=fp32(0.05), momentum=fp32(0.9), inv_scale=fp32(1 / net.scale.value))
    step = net.train_step(x, labels, split=split)
    assert not step.skipped and net.scale.good_steps == 1
    for layer, other in zip(net.layers, golden.layers):
        assert np.array_equal(layer.w.read().view(np.uint32), other.weights)
        assert np.array_equal(layer.bias.read().view(np.uint32), other.bias)


@pytest.mark.quick
def test_micro_batches_are_nearly_one_batch():
    x, labels = many_batches(4)
    weights = []
    for batch in (BATCH, 4 * BATCH):
        net = Mlp(Core(GoldenBackend(memory_size=4 << 20)), mlp(SIZES, (2, 2)), batch,
                  np.random.default_rng(3), lr=0.5)
        start = net.layers[0].w.read()
        net.train_step(x, labels)
        weights.append(net.layers[0].w.read() - start)
    assert np.abs(weights[0] - weights[1]).max() < 0.01 * np.abs(weights[0]).max()


@pytest.mark.quick
@pytest.mark.parametrize("bad", [0, 1, 2])
def test_an_overflow_in_a_micro_batch_skips_the_step(core: Core, bad: int):
    """Whichever it is; the step after it is that of a network that never saw it."""
    net = make_net(core)
    x, labels = many_batches(3)
    wild = x.copy()
    wild[bad * BATCH : (bad + 1) * BATCH] = 60000
    before = [layer.w.read() for layer in net.layers]
    assert net.train_step(wild, labels).skipped and net.scale.value == 512
    assert all(np.array_equal(layer.w.read(), w) for layer, w in zip(net.layers, before))
    net.train_step(x, labels)
    other = make_net(Core(GoldenBackend(memory_size=4 << 20)), scale=LossScale(512.0))
    other.train_step(x, labels)
    assert all(np.array_equal(layer.w.read(), twin.w.read())
               for layer, twin in zip(net.layers, other.layers))


@pytest.mark.quick
@pytest.mark.parametrize("split", [False, True])
def test_update_that_overflows_ends_training(core: Core, split: bool):
    """It is no skipped step: weights have changed, and the loss scale is not to blame."""
    net = make_net(core, lr=1e9)
    before = [layer.w.read() for layer in net.layers]
    with pytest.raises(TrainingDiverged, match="^the update overflowed"):
        net.train_step(*make_batch(), split=split)
    assert net.scale == LossScale()
    assert not any(np.array_equal(layer.w.read(), w) for layer, w in zip(net.layers, before))


@pytest.mark.quick
def test_steps_that_overflow_at_any_scale_end_training(core: Core):
    net = make_net(core, scale=LossScale(value=8.0))
    top = net.layers[-1]
    top.w.write(np.full(top.w.shape, 1e4, np.float32))
    net.layers[0].bias.write(np.full(net.layers[0].bias.shape, 6e4, np.float32))
    core.run(net._prune_program())
    scales = []
    with pytest.raises(TrainingDiverged, match="at a loss scale of 1, the last of 4 in a row"):
        for _ in range(9):
            assert net.train_step(*make_batch()).skipped
            scales.append(net.scale.value)
    assert scales == [4.0, 2.0, 1.0]


@pytest.mark.quick
def test_momentum_is_that_of_the_step(core: Core):
    """Without it the velocity is the gradient."""
    net = make_net(core)
    for momentum, seed in ((0.9, 4), (0.0, 5)):
        net.momentum = momentum
        net.train_step(*make_batch(seed))
    for layer in net.layers:
        assert np.array_equal(layer.v.read(), layer.dw.read() / np.float32(net.scale.value))


@pytest.mark.quick
def test_schedules_and_predictions_keep_nothing(core: Core):
    """A learning rate for each step, and rows of any number."""
    def kept() -> tuple[int, int]:
        gc.collect()
        return core.used, sum(isinstance(thing, Program) for thing in gc.get_objects())

    net = make_net(core)
    x, labels = make_batch()
    net.train_step(x, labels)
    before, many = kept(), np.concatenate([x] * 3)
    for step in range(1, 40):
        net.lr = 0.1 / step
        net.train_step(x, labels)
        rows = net.predict(many[:step])
        assert np.array_equal(rows, net.predict(many)[:step])
    assert kept() == before


@pytest.mark.quick
@pytest.mark.parametrize("name, value", [
    ("lr", 1e39), ("lr", 1e-46), ("momentum", np.nan), ("momentum", -1e-50), ("lr", -np.inf),
    ("lr", None), ("momentum", None),
])
def test_scalars_that_fp32_lacks_are_named(core: Core, name: str, value: float):
    """When the network is made, and before a later step has changed anything."""
    with pytest.raises((ValueError, TypeError), match=f"^{name}:"):
        make_net(core, **{name: value})
    net = make_net(core)
    setattr(net, name, value)
    before = core.backend.memory.data.copy()
    with pytest.raises((ValueError, TypeError), match=f"^{name}:"):
        net.train_step(*make_batch())
    assert np.array_equal(core.backend.memory.data, before)


@pytest.mark.quick
def test_network_without_layers_is_an_error(core: Core):
    with pytest.raises(ValueError, match="^specs:"):
        Mlp(core, [], 4, np.random.default_rng(0))


@pytest.mark.quick
def test_sums_of_the_logits_gradient_are_those_of_stats(core: Core):
    gradient = np.random.default_rng(3).standard_normal((24, 10)).astype(np.float16)
    x, total, dot = (core.tensor(name, shape, fmt) for name, shape, fmt in (
        ("x", (24, 10), FP16), ("total", (1, 10), FP32), ("dot", (1, 10), FP32)))
    x.write(gradient)
    program = core.program()
    program.stats(x, total, dot)
    core.run(program)
    assert np.array_equal(column_sums(gradient).view(np.uint32), total.read().view(np.uint32))


def test_macs_of_a_step(core: Core):
    net = Mlp(core, [LayerSpec(64, 64, 2, 8), LayerSpec(64, 16)], 64, np.random.default_rng(0))
    wu = 64 * 64 * 64 + 64 * 64 * 16
    assert net.pass_macs() == {"FF": 64 * 64 * 16 + 64 * 64 * 16, "BP": 64 * 64 * 16, "WU": wu,
                               "UPDATE": 0}
    assert net.macs == sum(net.pass_macs().values())


X = np.zeros((BATCH, SIZES[0]), np.float16)


@pytest.mark.quick
@pytest.mark.parametrize("x, labels, error, message", [
    (X[:, 1:], np.zeros(BATCH, int), ValueError, "x: shape"),
    (X[1:], np.zeros(BATCH, int), ValueError, "x: shape"),
    (X.astype(np.float32), np.zeros(BATCH, int), TypeError, "x: float32"),
    (X, np.zeros(BATCH - 1, int), ValueError, "labels: shape"),
    (X, np.zeros((BATCH, 1), int), ValueError, "labels: shape"),
    (X, np.full(BATCH, 5), ValueError, "labels: 5..5 are not all in 0..4"),
    (X, np.full(BATCH, -1), ValueError, "labels: -1..-1"),
    (X, np.zeros(BATCH), TypeError, "labels: float64, but must be integers"),
])
def test_wrong_batch_is_named(core: Core, x, labels, error, message):
    with pytest.raises(error, match=f"^{message}"):
        make_net(core).train_step(x, labels)


@pytest.mark.quick
@pytest.mark.parametrize("x, labels, error, message", [
    (X[0], [0], ValueError, "x: shape"),
    (X[:3, 1:], [0] * 3, ValueError, "x: shape"),
    (X[:3].astype(np.float64), [0] * 3, TypeError, "x: float64"),
    (X[:0], [], ValueError, "x: has no rows"),
    (X[:3], [0] * 2, ValueError, "labels: shape"),
    (X[:3], [0, 1, 5], ValueError, "labels: 0..5"),
    (X[:3], [0.0, 1.0, 2.0], TypeError, "labels: float64"),
])
def test_wrong_rows_to_predict_are_named(core: Core, x, labels, error, message):
    with pytest.raises(error, match=f"^{message}"):
        make_net(core).accuracy(x, labels)


@pytest.mark.quick
def test_labels_may_be_a_list(core: Core):
    x, labels = make_batch()
    net = make_net(core)
    assert net.accuracy(x, labels.tolist()) == net.accuracy(x, labels)
    net.train_step(x, labels.tolist())


@pytest.mark.quick
def test_layers_that_do_not_fit_are_named(core: Core):
    with pytest.raises(ValueError, match="^specs:"):
        Mlp(core, [LayerSpec(8, 4), LayerSpec(8, 4)], 4, np.random.default_rng(0))


def test_rtl_steps_equal_the_golden_model():
    backend = CheckedBackend(SimBackend(memory_size=1 << 20), GoldenBackend(memory_size=1 << 20))
    with backend:
        net = make_net(Core(backend))
        for seed, split in ((4, True), (5, False)):
            net.train_step(*make_batch(seed), split=split)
        assert not net.train_step(*many_batches(2)).skipped
    assert backend.tensors_compared > 30
    assert backend.differing_bits == 0, backend.reports


def test_rtl_tells_a_skipped_step_from_a_lost_network():
    """Gradients that overflow at first, then an update that does."""
    config = SatConfig.from_name("2x2")
    backend = CheckedBackend(SimBackend(config, memory_size=1 << 20),
                             GoldenBackend(config, memory_size=1 << 20))
    with backend:
        net = make_net(Core(backend), scale=LossScale(value=60000.0))
        top = net.layers[-1]
        top.w.write((1000 * np.random.default_rng(1).standard_normal(top.w.shape))
                    .astype(np.float32))
        net.core.run(net._prune_program())
        before = top.w.read()
        step = net.train_step(*make_batch())
        assert step.skipped and step.programs["BP+WU+UPDATE"].overflow
        assert np.array_equal(top.w.read(), before) and net.scale.value == 30000.0
        net.lr, net.scale.value = 1e9, 1.0
        with pytest.raises(TrainingDiverged, match="^the update overflowed"):
            net.train_step(*make_batch())
        assert not np.array_equal(top.w.read(), before)
    assert backend.differing_bits == 0, backend.reports
