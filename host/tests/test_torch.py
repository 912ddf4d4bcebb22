# SPDX-License-Identifier: Apache-2.0
"""Each layer type against torch: forward, backward and update, on the golden model.

Torch computes in float64 what the core computes from FP16 operands with FP32 sums, so results agree
to a few roundings of FP16. Layers are dense where torch knows no N:M. Without torch the tests are
skipped, with a warning.
"""

import importlib.util
import warnings
from functools import partial

import numpy as np
import pytest

from sat import Core, FeatureMap, GoldenBackend
from sat.nn import (
    AveragePool,
    BatchNorm,
    Conv2d,
    ConvNet,
    ConvSpec,
    LayerSpec,
    Linear,
    LossScale,
    MaxPool,
    Patches,
    ResNet,
    Sgd,
    StageSpec,
)
from sat.nn.schedule import Schedule
from sat.nn.script import Script
from sat_golden.windows import Windows

if importlib.util.find_spec("torch") is None:
    warnings.warn("torch is not installed (pip install -c requirements.txt torch): the comparison "
                  "with torch is skipped")
    pytest.skip("needs torch", allow_module_level=True)

import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

pytestmark = pytest.mark.quick
FP16_TOLERANCE = 3e-3  # relative to the largest value: a few roundings of FP16
SGD = Sgd(lr=0.25, momentum=0.5)


def close(got: np.ndarray, wanted: "torch.Tensor", tolerance: float = FP16_TOLERANCE) -> None:
    wanted = wanted.detach().numpy()
    assert got.shape == wanted.shape
    if not wanted.any():
        assert not got.any()
        return
    error = np.abs(got.astype(np.float64) - wanted).max() / np.abs(wanted).max()
    assert error < tolerance, f"relative error {error:.2g}"


def halves(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float16)


def leaf(values: np.ndarray) -> "torch.Tensor":
    return torch.tensor(values.astype(np.float64), requires_grad=True)


def rounded(w) -> np.ndarray:
    """Weights as the core reads them."""
    return w.read().astype(np.float16)


def nchw(values: np.ndarray) -> np.ndarray:
    return values.transpose(0, 3, 1, 2)


def new_map(core: Core, values: np.ndarray) -> FeatureMap:
    """A feature map with these elements, [images][h][w][channels]."""
    made = core.feature_map("map", *values.shape)
    made.write(values)
    return made


def run(core: Core, add) -> None:
    program = core.program()
    add(program)
    core.run(program)


def run_gradients(core: Core, gradients: list) -> None:
    """WU and UPDATE; velocities are zero, so the weights move by lr times the gradient."""
    script = Script(core)
    for gradient in gradients:
        gradient.start(script.program)
        gradient.use(script)
    Schedule(script).scripts(SGD)[0].run("gradients", {})


def test_linear(core: Core, rng):
    layer = Linear(core, "layer", LayerSpec(24, 20), 16, rng)
    run(core, layer.prune)
    x, d_out = core.from_array("x", halves(rng, 16, 24)), halves(rng, 16, 20)
    ones = core.from_array("ones", np.ones((1, 16), np.float16))
    d_x = core.tensor("d_x", x.shape, x.format)
    before = layer.w.read()
    t_x, t_w, t_b = leaf(x.read()), leaf(rounded(layer.w)), leaf(layer.bias.read()[0])

    run(core, partial(layer.forward, x=x))
    sums = t_x @ t_w + t_b
    close(layer.out.read(), torch.relu(sums))

    sums.backward(torch.tensor(d_out.astype(np.float64)))
    layer.d_out.write(d_out)
    run(core, partial(layer.backward, d_x=d_x))
    close(d_x.read(), t_x.grad)
    run_gradients(core, layer.gradients(x, ones))
    close(layer.w.read(), torch.tensor(before) - SGD.lr * t_w.grad)
    close(layer.bias.read()[0], -SGD.lr * t_b.grad)


CONVOLUTIONS = [  # spec, images, h, w
    (ConvSpec(8, 16), 2, 6, 5),
    (ConvSpec(3, 5, kernel=1, pad=0), 2, 4, 4),
    (ConvSpec(16, 24, stride=2), 2, 7, 8),
    (ConvSpec(8, 8, kernel=1, pad=0, stride=2), 1, 5, 6),
    (ConvSpec(4, 8, kernel=5, pad=2), 1, 7, 7),
    (ConvSpec(2, 8, kernel=7, pad=3, stride=2), 2, 9, 9),
    (ConvSpec(8, 8, pad=2, dilation=2), 2, 8, 7),
    (ConvSpec(8, 8, pad=2, dilation=2, stride=2), 1, 9, 8),
    (ConvSpec(8, 8, pad=0), 2, 5, 5),
    (ConvSpec(8, 8, kernel=1, pad=1), 2, 4, 5),  # padding that the kernel does not reach over
    (ConvSpec(4, 8, pad=5, stride=2), 2, 6, 3),
    (ConvSpec(4, 8, pad=0, dilation=8), 1, 17, 19),  # and what it reaches over without any
    (ConvSpec(2, 4, kernel=15, pad=56, dilation=8), 1, 3, 2),
    (ConvSpec(2, 4, kernel=1, stride=8, pad=127), 1, 2, 1),
]


@pytest.mark.parametrize("spec, images, h, w", CONVOLUTIONS, ids=str)
def test_convolution(core: Core, rng, spec: ConvSpec, images, h, w):
    check_convolution(core, rng, spec, images, h, w)


@pytest.mark.parametrize("seed", range(60))
def test_any_convolution(core: Core, seed: int):
    """Whatever a layer can be: kernel, stride, padding and dilation have nothing to do with each
    other."""
    rng = np.random.default_rng(seed)
    while True:
        kernel, stride, dilation = (int(rng.choice(values)) for values in (
            (1, 1, 2, 3, 4, 5, 7), (1, 2, 4, 8), (1, 2, 4, 8)))
        pad, h, w = int(rng.integers(0, 12)), *(int(side) for side in rng.integers(1, 12, 2))
        if min(h, w) + 2 * pad > dilation * (kernel - 1):
            break
    check_convolution(core, rng, ConvSpec(3, 5, kernel, stride, pad, dilation), 2, h, w)


def check_convolution(core: Core, rng, spec: ConvSpec, images: int, h: int, w: int) -> None:
    layer = Conv2d(core, "layer", spec, images, h, w, rng, bias=True)
    run(core, layer.prune)
    x = new_map(core, halves(rng, images, h, w, spec.inputs))
    out, d_out = layer.feature_map("out"), layer.feature_map("d_out")
    d_out.write(halves(rng, *out.read().shape))
    d_x = core.feature_map("d_x", images, h, w, spec.inputs)
    shape = spec.kernel, spec.kernel, spec.inputs, spec.outputs
    before = layer.w.read()
    t_x, t_w = leaf(nchw(x.read())), leaf(rounded(layer.w).reshape(shape))
    t_b = leaf(layer.bias.read()[0])

    run(core, partial(layer.forward, x=x, out=out))
    sums = functional.conv2d(t_x, t_w.permute(3, 2, 0, 1), t_b, spec.stride, spec.pad,
                             spec.dilation)
    close(nchw(out.read()), sums)

    sums.backward(torch.tensor(nchw(d_out.read()).astype(np.float64)))
    run(core, partial(layer.backward, d_out=d_out, d_x=d_x))
    close(nchw(d_x.read()), t_x.grad)
    run_gradients(core, layer.gradients(x, d_out))
    close(layer.w.read(), torch.tensor(before) - SGD.lr * t_w.grad.reshape(before.shape))
    close(layer.bias.read()[0], -SGD.lr * t_b.grad)


def test_sparse_convolution_uses_each_copy_in_its_pass(core: Core, rng):
    """FF with weights pruned along the inputs, BP with those pruned along the outputs."""
    spec = ConvSpec(16, 24, stride=2, n=2, m=8)
    layer = Conv2d(core, "layer", spec, 2, 7, 6, rng)
    run(core, layer.prune)
    x = new_map(core, halves(rng, 2, 7, 6, 16))
    out, d_out = layer.feature_map("out"), layer.feature_map("d_out")
    d_out.write(halves(rng, *out.read().shape))
    d_x = core.feature_map("d_x", 2, 7, 6, 16)
    run(core, partial(layer.forward, x=x, out=out))
    run(core, partial(layer.backward, d_out=d_out, d_x=d_x))

    ff = layer.ff.to_dense().reshape(3, 3, 16, 24).transpose(3, 2, 0, 1)
    mirrored = layer.bp.to_dense()[::-1].reshape(3, 3, 24, 16).transpose(2, 3, 0, 1)
    t_x = torch.tensor(nchw(x.read()).astype(np.float64))
    close(nchw(out.read()), functional.conv2d(t_x, torch.tensor(ff.astype(np.float64)), None, 2, 1))
    wanted = torch.nn.grad.conv2d_input(
        t_x.shape, torch.tensor(mirrored.astype(np.float64)),
        torch.tensor(nchw(d_out.read()).astype(np.float64)), 2, 1)
    close(nchw(d_x.read()), wanted)


@pytest.mark.parametrize("residual", [False, True])
def test_batch_norm(core: Core, rng, residual: bool):
    """With ReLU, and the residual added before it; scalars of the update on the host."""
    shape = 4, 5, 3, 20
    norm = BatchNorm(core, "norm", 20)
    norm.gamma, norm.beta = 1 + 0.3 * rng.standard_normal(20), 0.3 * rng.standard_normal(20)
    z, other = (new_map(core, 2 * halves(rng, *shape) + np.float16(0.5)) for _ in range(2))
    y, d_y, d_z = (core.feature_map(name, *shape) for name in ("y", "d_y", "d_z"))
    ones = core.from_array("ones", np.ones((1, 20), np.float32))
    t_z, t_other = leaf(nchw(z.read())), leaf(nchw(other.read()))
    t_norm = torch.nn.BatchNorm2d(20, dtype=torch.float64)
    with torch.no_grad():
        t_norm.weight.copy_(torch.tensor(norm.gamma))
        t_norm.bias.copy_(torch.tensor(norm.beta))

    run(core, partial(norm.stats, z=z))
    norm.use_batch(z.tensor.rows)
    if residual:
        run(core, lambda program: program.affine(z.tensor, y.tensor, norm.scale, norm.shift,
                                                 y=other.tensor, beta=ones, relu=True))
    else:
        run(core, partial(norm.forward, z=z, out=y))
    t_y = torch.relu(t_norm(t_z) + (t_other if residual else 0))
    close(nchw(y.read()), t_y)
    assert np.allclose(norm.mean, t_norm.running_mean) and np.allclose(norm.var, t_norm.running_var)

    gradient = halves(rng, *shape)
    t_y.backward(torch.tensor(nchw(gradient).astype(np.float64)))
    d_y.write(np.where(y.read() > 0, gradient, np.float16(0)))  # as the mask of BP leaves it
    run(core, partial(norm.backward_stats, d_out=d_y, z=z))
    norm.use_gradient(z.tensor.rows, loss_scale=1.0)
    run(core, partial(norm.backward, d_out=d_y, z=z, d_z=d_z))
    close(nchw(d_z.read()), t_z.grad)
    if residual:
        close(nchw(d_y.read()), t_other.grad)
    gamma, beta = norm.gamma, norm.beta
    norm.update(lr=0.5, momentum=0.9)
    close(norm.gamma, torch.tensor(gamma) - 0.5 * t_norm.weight.grad)
    close(norm.beta, torch.tensor(beta) - 0.5 * t_norm.bias.grad)


@pytest.mark.parametrize("kernel, stride, pad", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (4, 4, 0)])
def test_max_pool(core: Core, rng, kernel, stride, pad):
    x = new_map(core, halves(rng, 2, 8, 8, 20))
    windows = Windows.sliding(2, 8, 8, kernel, kernel, stride=stride, pad=pad)
    layer = MaxPool(core, "layer", windows, 20)
    out, d_out = layer.feature_map("out"), layer.feature_map("d_out")
    d_out.write(halves(rng, *out.read().shape))
    d_x = core.feature_map("d_x", 2, 8, 8, 20)
    t_x = leaf(nchw(x.read()))
    t_out = functional.max_pool2d(t_x, kernel, stride, pad)
    t_out.backward(torch.tensor(nchw(d_out.read()).astype(np.float64)))
    run(core, partial(layer.forward, x=x, out=out))
    run(core, partial(layer.backward, d_out=d_out, d_x=d_x))
    assert np.array_equal(nchw(out.read()), t_out.detach().numpy())
    close(nchw(d_x.read()), t_x.grad)


@pytest.mark.parametrize("h, w, kernel", [(4, 4, 4), (3, 5, None), (8, 8, 2)])
def test_average_pool(core: Core, rng, h, w, kernel):
    """Over squares, and over whole maps."""
    x = new_map(core, halves(rng, 3, h, w, 20))
    layer = AveragePool.of_all(core, "layer", 3, h, w, 20)
    if kernel:
        windows = Windows.sliding(3, h, w, kernel, kernel, stride=kernel)
        layer = AveragePool(core, "layer", windows, 20)
    out, d_out = layer.feature_map("out"), layer.feature_map("d_out")
    d_out.write(halves(rng, *out.read().shape))
    d_x = core.feature_map("d_x", 3, h, w, 20)
    t_x = leaf(nchw(x.read()))
    t_out = functional.avg_pool2d(t_x, kernel or (h, w))
    t_out.backward(torch.tensor(nchw(d_out.read()).astype(np.float64)))
    run(core, partial(layer.forward, x=x, out=out))
    run(core, partial(layer.backward, d_out=d_out, d_x=d_x))
    close(nchw(out.read()), t_out)
    close(nchw(d_x.read()), t_x.grad)


@pytest.mark.parametrize("h, w, sliding, adaptive", [
    (64, 64, None, (1, 1)), (33, 47, None, (1, 1)), (33, 47, None, (7, 5)), (64, 48, None, (16, 3)),
    (64, 48, ((16, 16), None, (0, 0), False, True), None),
    (17, 23, ((3, 5), (3, 2), (1, 2), True, True), None),
    (17, 23, ((4, 5), (3, 4), (2, 0), True, False), None),
    (9, 13, ((9, 2), (1, 5), (0, 1), False, False), None)])
def test_any_average(core: Core, rng, h, w, sliding, adaptive):
    """What no convolution can do: large windows, other strides, uneven ones, columns between them
    that none sees."""
    if sliding:
        kernel, stride, pad, ceil, count_pad = sliding
        patches = Patches.sliding(2, h, w, kernel, stride, pad, ceil=ceil, count_pad=count_pad)
        wanted = partial(functional.avg_pool2d, kernel_size=kernel, stride=stride, padding=pad,
                         ceil_mode=ceil, count_include_pad=count_pad)
    else:
        patches = Patches.adaptive(2, h, w, *adaptive)
        wanted = partial(functional.adaptive_avg_pool2d, output_size=adaptive)
    assert patches.windows is None
    x, layer = new_map(core, halves(rng, 2, h, w, 20)), AveragePool(core, "layer", patches, 20)
    out, d_out = layer.feature_map("out"), layer.feature_map("d_out")
    d_out.write(halves(rng, *out.read().shape))
    d_x, residual, mask = (new_map(core, halves(rng, 2, h, w, 20)) for _ in range(3))
    t_x = leaf(nchw(x.read()))
    t_out = wanted(t_x)
    t_out.backward(torch.tensor(nchw(d_out.read()).astype(np.float64)))
    run(core, partial(layer.forward, x=x, out=out))
    run(core, partial(layer.backward, d_out=d_out, d_x=d_x))
    close(nchw(out.read()), t_out)
    close(nchw(d_x.read()), t_x.grad)
    run(core, partial(layer.backward, d_out=d_out, d_x=d_x, residual=residual.tensor,
                      mask=mask.tensor))
    t_residual, t_mask = (torch.tensor(nchw(fmap.read()).astype(np.float64))
                          for fmap in (residual, mask))
    close(nchw(d_x.read()), (t_x.grad + t_residual) * (t_mask > 0))


class TorchConvNet:
    """The network of `ConvNet`, with its weights as leaves."""

    def __init__(self, net: ConvNet):
        self.net = net
        self.weights, self.norms = {}, {}
        for unit in net.units:
            spec = unit.conv.spec
            shape = spec.kernel, spec.kernel, spec.inputs, spec.outputs
            self.weights[unit] = leaf(rounded(unit.conv.w).reshape(shape))
            self.norms[unit] = torch.nn.BatchNorm2d(spec.outputs, dtype=torch.float64)
        self.head = leaf(rounded(net.head.w))

    def unit(self, unit, x):
        spec = unit.conv.spec
        weights = self.weights[unit].permute(3, 2, 0, 1)
        return self.norms[unit](functional.conv2d(x, weights, None, spec.stride, spec.pad))

    def __call__(self, x):
        for stage in self.net.stages:
            inner = x
            for unit in stage.chain[:-1]:
                inner = torch.relu(self.unit(unit, inner))
            inner = self.unit(stage.chain[-1], inner)
            if stage.spec.residual:
                inner = inner + (self.unit(stage.projection, x) if stage.projection else x)
            x = torch.relu(inner)
            if stage.spec.pool:
                x = functional.max_pool2d(x, *stage.spec.pool)
        return x.mean(dim=(2, 3)) @ self.head


def chain_of_stages() -> list[StageSpec]:
    """Plain convolutions, poolings that overlap and that end the network, a bottleneck."""
    return [StageSpec("stem", [ConvSpec(1, 8, kernel=5, pad=2)], pool=(3, 2, 1)),
            StageSpec("neck", [ConvSpec(8, 8, kernel=1, pad=0), ConvSpec(8, 8),
                               ConvSpec(8, 16, kernel=1, pad=0)], residual=True),
            StageSpec("plain", [ConvSpec(16, 16)]),
            StageSpec("last", [ConvSpec(16, 16), ConvSpec(16, 16)], residual=True, pool=(4, 4, 0))]


@pytest.mark.parametrize("network, within", [
    (partial(ResNet, inputs=1, nm=(2, 2), channels=(8, 16, 24)), 0.02),
    (partial(ConvNet, stages=chain_of_stages()), 0.1)], ids=["residual", "stages"])
def test_step_of_a_network(rng, network, within):
    """Loss and every new weight. Errors of FP16 add up over seven layers: the mean counts. Where
    two values of a window, or a value and zero, are as good as equal, rounding decides which way a
    whole gradient goes."""
    core = Core(GoldenBackend(memory_size=4 << 20))
    net = network(core, 8, 8, 8, classes=10, rng=rng, lr=0.5, momentum=0.0,
                  scale=LossScale(value=256.0))
    reference = TorchConvNet(net)
    x, labels = halves(rng, 8, 8, 8, 1), rng.integers(0, 10, 8)
    before = {unit: unit.conv.w.read() for unit in net.units}
    loss = functional.cross_entropy(reference(torch.tensor(nchw(x).astype(np.float64))),
                                    torch.tensor(labels))
    loss.backward()
    step = net.train_step(x, labels)
    assert not step.skipped and step.loss == pytest.approx(loss.item(), rel=2e-3)
    for unit, w in before.items():
        moved, gradient = unit.conv.w.read() - w, reference.weights[unit].grad.numpy()
        wanted = -0.5 * gradient.reshape(w.shape)
        assert np.linalg.norm(moved - wanted) < within * np.linalg.norm(wanted), unit.conv.name
        close(unit.norm.gamma, torch.tensor(1 - 0.5 * reference.norms[unit].weight.grad.numpy()),
              within)
