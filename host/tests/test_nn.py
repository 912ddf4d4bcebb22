# SPDX-License-Identifier: Apache-2.0
"""Training: what a step computes, loss scaling, and that a network learns."""

import numpy as np
import pytest

from sat import CheckedBackend, Core, GoldenBackend, SimBackend
from sat.nn import LayerSpec, LossScale, Mlp, mlp, softmax

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
    net = make_net(core, scale=LossScale(value=2.0**40))
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
def test_scale_grows_after_good_steps():
    scale = LossScale(value=8.0, patience=3, largest=16.0)
    for _ in range(9):
        scale.update(overflow=False)
    assert scale.value == 16.0


@pytest.mark.quick
def test_macs_of_a_step(core: Core):
    net = Mlp(core, [LayerSpec(64, 64, 2, 8), LayerSpec(64, 16)], 64, np.random.default_rng(0))
    wu = 64 * 64 * 64 + 64 * 64 * 16 + 64 * (64 + 16)
    assert net.pass_macs() == {"FF": 64 * 64 * 16 + 64 * 64 * 16, "BP": 64 * 64 * 16, "WU": wu,
                               "UPDATE": 0}
    assert net.macs == sum(net.pass_macs().values())


@pytest.mark.quick
@pytest.mark.parametrize("x_shape, labels, name", [
    ((BATCH, 31), np.zeros(BATCH, int), "x"),
    ((BATCH, 32), np.zeros(BATCH - 1, int), "labels"),
    ((BATCH, 32), np.full(BATCH, 5), "labels"),
])
def test_wrong_batch_is_named(core: Core, x_shape, labels, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        make_net(core).train_step(np.zeros(x_shape, np.float16), labels)


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
    assert backend.tensors_compared > 30
    assert backend.differing_bits == 0, backend.reports
