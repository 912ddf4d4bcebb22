# SPDX-License-Identifier: Apache-2.0
"""Residual networks: what a step does to the weights, loss scaling, and that they learn."""

from dataclasses import replace

import numpy as np
import pytest

from sat import CheckedBackend, Core, FeatureMap, GoldenBackend, Program, SatConfig, SimBackend
from sat.nn import (
    AveragePool,
    Conv2d,
    ConvSpec,
    LossScale,
    MaxPool,
    Patches,
    ResNet,
    Sgd,
    TrainingDiverged,
)
from sat.nn.script import HostWork
from sat_golden.convolve import conv as golden_conv
from sat_golden.vector import fp32_add
from sat_golden.windows import Windows

BATCH, SIDE, CLASSES = 8, 8, 5
CHANNELS = (8, 16, 24)
MEMORY_BYTES = 4 << 20


def make_net(core: Core, nm=(2, 8), batch: int = BATCH, **options) -> ResNet:
    return ResNet(core, batch, SIDE, SIDE, 1, CLASSES, nm, np.random.default_rng(3), CHANNELS,
                  **options)


def make_batch(seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((BATCH, SIDE, SIDE, 1)).astype(np.float16),
            rng.integers(0, CLASSES, BATCH))


@pytest.mark.quick
def test_network_learns(core: Core):
    net = make_net(core, lr=0.05)
    x, labels = make_batch()
    losses = [net.train_step(x, labels).loss for _ in range(12)]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.quick
def test_update_keeps_copies_in_step_with_weights(core: Core):
    """W_FF and, mirrored and transposed, W_BP are what N:M leaves of the rounded weights."""
    net = make_net(core)
    net.train_step(*make_batch())
    for unit in net.units:
        conv, spec = unit.conv, unit.conv.spec
        w = conv.w.read().astype(np.float16).reshape(-1, spec.inputs, spec.outputs)
        ff = conv.ff.to_dense()
        assert np.array_equal(ff[ff != 0], w[ff != 0])
        assert np.count_nonzero(ff) == w.size * spec.n // spec.m
        if conv.bp:
            bp = conv.bp.to_dense()[::-1].transpose(0, 2, 1)
            assert np.array_equal(bp[bp != 0], w[bp != 0])


@pytest.mark.quick
def test_measured_step_has_the_same_bits():
    images, measures = [], {}
    for wanted in (None, measures):
        core = Core(GoldenBackend(memory_size=MEMORY_BYTES))
        net = make_net(core)
        net.train_step(*make_batch(), wanted)
        images.append([tensor.read() for tensor in core.tensors])
    assert all(np.array_equal(a, b) for a, b in zip(*images))
    assert sum(measure.macs for measure in measures.values()) == net.macs
    assert {label.split()[0] for label in measures} == {"FF", "BP", "WU", "UPDATE", "NORM"}
    assert "BP stem" not in measures and "BP stage1.conv1" in measures


@pytest.mark.quick
def test_overflow_skips_the_step_and_halves_the_scale(core: Core):
    net = make_net(core, scale=LossScale(value=2.0**40, largest=2.0**40))
    before = [unit.conv.w.read() for unit in net.units]
    gammas = [unit.norm.gamma for unit in net.units]
    assert net.train_step(*make_batch()).skipped and net.scale.value == 2.0**39
    assert all(np.array_equal(unit.conv.w.read(), w) for unit, w in zip(net.units, before))
    assert all(np.array_equal(unit.norm.gamma, g) for unit, g in zip(net.units, gammas))


@pytest.mark.quick
def test_overflow_on_the_core_skips_the_update(core: Core):
    """The host's gradient is finite; the one behind the linear layer is not."""
    net = make_net(core, scale=LossScale(value=65536.0))
    net.head.w.write((1000 * net.head.w.read()).astype(np.float32))
    program = core.program()
    net.head.prune(program)
    core.run(program)
    before = net.head.w.read()
    step = net.train_step(*make_batch())
    assert step.skipped and any(name.startswith("BP") for name in step.programs)
    assert np.array_equal(net.head.w.read(), before)


@pytest.mark.quick
def test_evaluation_uses_running_statistics(core: Core):
    """Of any number of images, each by itself."""
    net = make_net(core)
    x, labels = make_batch()
    for _ in range(3):
        net.train_step(x, labels)
    many = np.concatenate([x, x[:3]])
    logits = net.predict(many)
    assert logits.shape == (BATCH + 3, CLASSES)
    assert np.array_equal(logits[:3], net.predict(x[:3])) and np.array_equal(logits[:3], logits[8:])


@pytest.mark.quick
def test_gradients_are_made_where_the_array_would_wait(core: Core):
    """Beside the last sums before work of the host, or the first normalisation behind it; what is
    left, with the updates."""
    net = make_net(core, batch=4 * BATCH, wu_images=4 * BATCH)
    backward, update = (net.scripts[name] for name in ("BP+WU", "WU+UPDATE"))
    labels = [[command.label for command in program] for program in backward.programs]
    early = [label for program in labels for label in program if label.startswith("WU")]
    late = [command.label for program in update.programs for command in program
            if command.label.startswith("WU")]
    assert early and late and not set(early) & set(late)
    assert all(isinstance(step, HostWork) for step in backward.steps[1::2])


@pytest.mark.quick
def test_normalisation_runs_beside_convolutions(core: Core):
    """In FF, AFFINE of a part beside the convolution of the part before, which makes the sums too.
    """
    program = make_net(core).scripts["FF"].programs[1]
    order = [command.label.split()[0] for command in program]
    assert order[:3] == ["NORM", "FF", "NORM"] and sorted(order) == 4 * ["FF"] + 4 * ["NORM"]
    assert all(command.descriptor.overlap for command in program if "NORM" in command.label)


@pytest.mark.quick
def test_wrong_batch_is_named(core: Core):
    net = make_net(core)
    x, labels = make_batch()
    with pytest.raises(ValueError, match="^labels:"):
        net.train_step(x, labels[1:])
    with pytest.raises(ValueError, match="^x: shape"):
        net.train_step(x[1:], labels)
    for use in (net.predict, lambda x: net.train_step(x, labels)):  # both refuse, neither rounds
        with pytest.raises(TypeError, match="^x: float32, but must be float16"):
            use(x.astype(np.float32))
    with pytest.raises(ValueError, match="^x: has no rows"):
        net.predict(x[:0])


def many_batches(count: int) -> tuple[np.ndarray, np.ndarray]:
    x, labels = zip(*(make_batch(seed) for seed in range(4, 4 + count)))
    return np.concatenate(x), np.concatenate(labels)


@pytest.mark.quick
def test_equal_micro_batches_are_one_batch():
    """Two of the same images, with half the loss scale each: the sum of two halves is the whole,
    but for what FP16 loses of smaller numbers."""
    weights = []
    for count in (1, 2):
        net = make_net(Core(GoldenBackend(memory_size=MEMORY_BYTES)), nm=(2, 2))
        x, labels = make_batch()
        net.train_step(np.concatenate([x] * count), np.concatenate([labels] * count))
        weights.append([unit.conv.w.read() for unit in net.units] + [net.head.w.read(),
                       *(unit.norm.gamma for unit in net.units)])
    assert all(np.allclose(a, b, rtol=0, atol=1e-4) for a, b in zip(*weights))


@pytest.mark.quick
def test_weight_gradients_by_blocks_of_images(core: Core):
    """The sums of the blocks, added up in their order."""
    net = make_net(core, wu_images=3, keep=True)
    unit = net.stages[1].chain[0]
    net.train_step(*make_batch())
    blocks = []
    for first, last in (0, 3), (3, 6), (6, 8):
        x, d_z = (fmap.part(first, last).tensor.read().view(np.uint16)
                  for fmap in (unit.x, unit.d_z))
        blocks.append(golden_conv(x, replace(unit.conv.windows, images=last - first), d_z,
                                  a_trans=True, out_fp32=True))
    expected = fp32_add(blocks[2], fp32_add(blocks[1], blocks[0]))
    assert np.array_equal(unit.conv.dw.read().view(np.uint32), expected)


@pytest.mark.quick
@pytest.mark.parametrize("bad", [0, 1])
def test_an_overflow_in_a_micro_batch_skips_the_step(core: Core, bad: int):
    net = make_net(core)
    x, labels = many_batches(2)
    x[bad * BATCH] = 60000
    before = [unit.conv.w.read() for unit in net.units]
    gammas = [unit.norm.gamma for unit in net.units]
    assert net.train_step(x, labels).skipped and net.scale.value == 512
    assert all(np.array_equal(unit.conv.w.read(), w) for unit, w in zip(net.units, before))
    assert all(np.array_equal(unit.norm.gamma, g) for unit, g in zip(net.units, gammas))


@pytest.mark.quick
def test_update_that_overflows_ends_training(core: Core):
    net = make_net(core, lr=1e9)
    with pytest.raises(TrainingDiverged, match="^the update overflowed"):
        net.train_step(*make_batch())
    assert net.scale == LossScale()


@pytest.mark.quick
def test_scalars_are_those_of_the_step(core: Core):
    """Without momentum and decay the velocity is the gradient; then decay adds to it."""
    net = make_net(core, decay=0.5, keep=True)
    net.train_step(*make_batch(4))
    net.momentum, net.decay = 0.0, None
    net.train_step(*make_batch(5))
    convs = [unit.conv for unit in net.units]
    for conv in convs:
        assert np.array_equal(conv.v.read(), conv.dw.read() / np.float32(net.scale.value))
    net.decay = 0.25
    weights = [conv.w.read() for conv in convs]
    net.train_step(*make_batch(6))
    for conv, w in zip(convs, weights):
        gradient = conv.dw.read() / np.float32(net.scale.value)
        assert np.array_equal(conv.v.read(), gradient + np.float32(0.25) * w)


def add_gradients(program: Program, conv: Conv2d, x: FeatureMap, d_out: FeatureMap) -> None:
    """WU and UPDATE."""
    for gradient in conv.gradients(x, d_out):
        gradient.start(program)
        for use in gradient.uses:
            use(program, Sgd(0.1, 0.9, decay=1e-3), False)


def test_rtl_layers_equal_the_golden_model(rng):
    """What the network does not use: bias, dilation, a wide kernel, maximum pooling."""
    config = SatConfig.from_name("4x8-512")
    backend = CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES),
                             GoldenBackend(config, memory_size=MEMORY_BYTES))
    with backend:
        core = Core(backend)
        for spec in (ConvSpec(5, 24, kernel=5, pad=2, stride=2, n=2, m=4),
                     ConvSpec(20, 12, pad=2, dilation=2, n=1, m=8)):
            conv = Conv2d(core, "conv", spec, 2, 9, 7, rng, bias=True)
            x, d_x = (core.feature_map(name, 2, 9, 7, spec.inputs) for name in ("x", "d_x"))
            y, pool_windows = conv.feature_map("y"), Windows.sliding(2, 9, 7, 3, 3, stride=2, pad=1)
            pool = MaxPool(core, "pool", pool_windows, spec.inputs)
            pooled = pool.feature_map("pooled")
            x.write(rng.standard_normal((2, 9, 7, spec.inputs)).astype(np.float16))
            program = core.program()
            conv.prune(program)
            conv.forward(program, x, y, relu=True)
            conv.backward(program, y, d_x, mask=x.tensor)
            add_gradients(program, conv, x, y)
            pool.forward(program, x, pooled)
            pool.backward(program, pooled, d_x)
            core.run(program)
    assert backend.differing_bits == 0, backend.reports


@pytest.mark.parametrize("config", ["2x2", "4x8-512"])
def test_rtl_convolutions_of_any_padding_equal_the_golden_model(config: str, rng):
    """Padding that the kernel does not reach over, and kernels that reach over more than there
    is."""
    config = SatConfig.from_name(config)
    backend = CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES),
                             GoldenBackend(config, memory_size=MEMORY_BYTES))
    cases = [(ConvSpec(5, 9, 1, pad=2, n=2, m=4), 5, 4), (ConvSpec(6, 9, 1, 2, 3, n=1, m=8), 3, 7),
             (ConvSpec(5, 9, 3, 4, 6, n=2, m=8), 4, 5), (ConvSpec(5, 9, 2, 2, 5, 2), 6, 3),
             (ConvSpec(3, 9, 3, 1, 0, 8, n=2, m=4), 18, 17), (ConvSpec(3, 5, 3, 8, 13, 4), 4, 9)]
    with backend:
        core = Core(backend)
        for spec, h, w in cases:
            conv = Conv2d(core, "conv", spec, 2, h, w, rng, bias=True)
            x, d_x = (core.feature_map(name, 2, h, w, spec.inputs) for name in ("x", "d_x"))
            y = conv.feature_map("y")
            x.write(rng.standard_normal(x.shape).astype(np.float16))
            program = core.program()
            conv.prune(program)
            conv.forward(program, x, y)
            conv.backward(program, y, d_x, mask=x.tensor)
            add_gradients(program, conv, x, y)
            core.run(program)
            assert d_x.read().any()
    assert backend.differing_bits == 0, backend.reports


@pytest.mark.parametrize("config", ["2x2", "4x8-512"])
def test_rtl_averages_equal_the_golden_model(config: str, rng):
    """The largest map, an odd one, uneven patches."""
    config = SatConfig.from_name(config)
    backend = CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES),
                             GoldenBackend(config, memory_size=MEMORY_BYTES))
    with backend:
        core = Core(backend)
        for h, w, outs, channels in ((64, 64, (1, 1), 9), (33, 47, (1, 1), 20),
                                     (19, 11, (4, 3), 5)):
            layer = AveragePool(core, "pool", Patches.adaptive(2, h, w, *outs), channels)
            x, d_x = (core.feature_map(name, 2, h, w, channels) for name in ("x", "d_x"))
            out = layer.feature_map("out")
            x.write(rng.standard_normal(x.shape).astype(np.float16))
            program = core.program()
            layer.forward(program, x, out)
            layer.backward(program, out, d_x, mask=x.tensor)
            core.run(program)
            assert np.abs(out.read()).max() > 0
    assert backend.differing_bits == 0, backend.reports


@pytest.mark.parametrize("config", ["4x8-512", pytest.param("8x8", marks=pytest.mark.slow)])
def test_rtl_steps_equal_the_golden_model(config: str):
    config = SatConfig.from_name(config)
    backend = CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES),
                             GoldenBackend(config, memory_size=MEMORY_BYTES))
    with backend:
        net = make_net(Core(backend), wu_images=3)
        net.train_step(*make_batch(4), measures={})
        step = net.train_step(*many_batches(2))
    assert not step.skipped and step.cycles > 0
    assert backend.tensors_compared > 200
    assert backend.differing_bits == 0, backend.reports
