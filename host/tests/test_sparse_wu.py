# SPDX-License-Identifier: Apache-2.0
"""Sparse weight gradients: what WU reads, and what comes of it."""

import zlib

import numpy as np
import pytest

from sat import CheckedBackend, Core, GoldenBackend, SatConfig, SimBackend
from sat.nn import (
    BlockShape,
    Conv2d,
    ConvSpec,
    LayerSpec,
    LossScale,
    Mlp,
    ResNet,
    SparseWu,
    TransformerBlock,
    mean_squared,
    mlp,
)
from sat_golden import sample
from sat_golden.sampling import Key

MEMORY_BYTES = 4 << 20
NM = (2, 8)


def new_core() -> Core:
    return Core(GoldenBackend(memory_size=MEMORY_BYTES))


def small_mlp(core: Core, wu: SparseWu | None, **options) -> Mlp:
    return Mlp(core, mlp((24, 32, 10), NM, wu=wu), 48, np.random.default_rng(2), **options)


def batch(rows: int = 48, inputs: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.standard_normal((rows, inputs)).astype(np.float16), rng.integers(0, 10, rows)


def sampled(d_out: np.ndarray, name: str, step: int, wu: SparseWu) -> np.ndarray:
    key = Key(0, step, zlib.crc32(f"{name} 0".encode()))
    return sample(d_out.view(np.uint16), wu.n, wu.m, key).view(np.float16)


@pytest.mark.quick
@pytest.mark.parametrize("wu", [SparseWu(1, 4), SparseWu(2, 8), SparseWu(4, 8)])
def test_weight_gradient_is_that_of_the_sample(wu):
    core = new_core()
    net = small_mlp(core, wu)
    for step in (1, 2):
        net.train_step(*batch())
        layer = net.layers[0]
        chosen = sampled(layer.d_out.read(), "layer0", step, wu)
        assert np.array_equal(layer.selection.planes.to_dense(), chosen)
        expected = net.x.read().astype(np.float64).T @ chosen.astype(np.float64)
        assert np.allclose(layer.dw.read(), expected, rtol=1e-5, atol=1e-4)
    assert net.layers[1].selection is None


def test_largest_keeps_values():
    core = new_core()
    net = small_mlp(core, SparseWu(2, 8, largest=True))
    net.train_step(*batch())
    layer = net.layers[0]
    kept, d_out = layer.selection.planes.to_dense(), layer.d_out.read()
    assert np.array_equal(kept[kept != 0], d_out[kept != 0])
    assert (np.count_nonzero(kept.reshape(-1, 8, 32), axis=1) <= 2).all()


def test_bias_gradients_are_dense():
    """They do not see the sample."""
    biases = []
    for wu in (None, SparseWu(1, 16)):
        core = new_core()
        net = small_mlp(core, wu)
        net.train_step(*batch())
        biases.append(net.layers[0].trained_bias.gradient.read())
    assert np.array_equal(*biases)


def test_steps_and_micro_batches_draw_anew():
    core = new_core()
    net = small_mlp(core, SparseWu(2, 8))
    x, labels = batch()
    before = core.backend.sample_step
    net.train_step(np.concatenate([x, x]), np.concatenate([labels, labels]))
    assert core.backend.sample_step == before + 2
    core.backend.sample_step = (1 << 32) - 1
    net.train_step(x, labels)
    assert core.backend.sample_step == 0


def test_overflow_of_a_sample_skips_the_step():
    """The gradients are finite, their sums are not."""
    core = new_core()
    net = small_mlp(core, SparseWu(1, 16), scale=LossScale(value=2.0**21, largest=2.0**40))
    weights = net.layers[0].w.read()
    step = net.train_step(*batch())
    assert np.isfinite(net.layers[0].d_out.read()).all() and step.skipped
    assert not np.isfinite(net.layers[0].selection.planes.values.read()).all()
    assert np.array_equal(net.layers[0].w.read(), weights)


@pytest.mark.parametrize("side, images", [(8, 8), (5, 6)])
def test_convolution(side, images):
    """By blocks of images where they are whole groups (CACHE_LINES 16 holds few), else at once."""
    core = Core(GoldenBackend(SatConfig.from_name("2x2"), memory_size=MEMORY_BYTES))
    rng = np.random.default_rng(4)
    layer = Conv2d(core, "conv", ConvSpec(3, 5, wu=SparseWu(2, 8)), images, side, side, rng)
    x = core.feature_map("x", images, side, side, 3)
    d_out = layer.feature_map("d_out")
    for made in (x, d_out):
        made.write(rng.standard_normal((images, side, side, made.channels)).astype(np.float16))
    program = core.program()
    layer.select(program, d_out)
    gradient, = layer.gradients(x, d_out, 2)
    gradient.start(program)
    core.run(program)
    assert len(gradient.products) == (4 if side == 8 else 1)
    chosen = sampled(d_out.tensor.read(), "conv", 0, SparseWu(2, 8)).reshape(d_out.tensor.shape)
    wide = np.pad(x.tensor.read().reshape(images, side, side, 3).astype(np.float64),
                  ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = [wide[:, y : y + side, z : z + side].reshape(-1, 3) for y in range(3) for z in range(3)]
    expected = np.concatenate([one.T @ chosen.astype(np.float64) for one in seen])
    assert np.allclose(layer.dw.read(), expected, rtol=1e-4, atol=1e-3)


def networks(core: Core):
    """A step of each kind of network."""
    rng = np.random.default_rng(5)
    wu = SparseWu(*NM)
    net = Mlp(core, [LayerSpec(24, 32, *NM, wu), LayerSpec(32, 10, *NM, wu)], 48, rng)
    yield lambda: net.train_step(*batch())
    res = ResNet(core, 4, 6, 6, 1, 5, NM, rng, (8, 8), wu=wu)
    images = rng.standard_normal((4, 6, 6, 1)).astype(np.float16)
    yield lambda: res.train_step(images, np.arange(4))
    block = TransformerBlock(core, BlockShape(1, 16, 64, 2, 64), rng, NM, wu=wu)
    tokens = rng.standard_normal((1, 16, 64)).astype(np.float16)
    yield lambda: block.train_step(tokens, mean_squared(np.zeros((16, 64), np.float32)))


def test_bits_equal_in_rtl():
    """Two steps of an MLP, a residual network and a transformer block, all passes sparse."""
    config = SatConfig.from_name("2x2")
    backend = CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES),
                             GoldenBackend(config, memory_size=MEMORY_BYTES))
    with backend:
        core = Core(backend)
        backend.sample_seed = 77
        for step in networks(core):
            for _ in range(2):
                assert not step().skipped
        assert backend.tensors_compared and not backend.differing_bits, backend.reports
