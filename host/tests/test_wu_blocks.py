# SPDX-License-Identifier: Apache-2.0
"""In how many blocks of images weight gradients are made, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from sat import Core, GoldenBackend, SatConfig
from sat.networks.draft import DraftBackend
from sat.nn import Conv2d, ConvSpec, ResNet, SparseWu, wu_blocks
from sat_golden import native
from sat_golden.convolve import conv as golden_conv
from sat_golden.vector import fp32_add

pytestmark = pytest.mark.quick
WU = SparseWu(2, 8)


def blocks(config: str, spec: ConvSpec, images: int, side: int, wanted: int | None = None) -> int:
    """How many a layer's gradient has."""
    with DraftBackend(SatConfig.from_name(config)) as backend:
        core = Core(backend)
        layer = Conv2d(core, "conv", spec, images, side, side, np.random.default_rng(1))
        x = core.feature_map("x", images, side, side, spec.inputs)
        return len(layer.gradients(x, layer.feature_map("d_out"), wanted)[0].products)


@pytest.mark.parametrize("config, spec, images, side, expected", [
    ("8x8", ConvSpec(16, 16), 64, 8, 4),  # dense: as parts of dY come
    ("32x32", ConvSpec(64, 64), 16, 16, 4),
    ("8x8", ConvSpec(64, 64, wu=WU), 32, 16, 8),  # a map of 512 lines, of 2048 that are cached
    ("32x32", ConvSpec(64, 64, wu=WU), 16, 16, 4),
    ("8x8", ConvSpec(64, 64), 64, 2, 1),  # dW is larger than dY and map
    ("32x32", ConvSpec(32, 64, stride=2, wu=WU), 64, 4, 1)])
def test_blocks_are_as_many_as_are_fastest(config, spec, images, side, expected):
    assert blocks(config, spec, images, side) == expected


@pytest.mark.parametrize("spec", [ConvSpec(16, 16), ConvSpec(16, 16, wu=WU)])
def test_what_is_asked_for_is_done(spec):
    assert blocks("8x8", spec, 8, 8, wanted=3) == 3
    assert blocks("8x8", spec, 8, 8, wanted=8) == 1


@pytest.mark.parametrize("images, side, wanted, expected", [
    (6, 5, None, 1), (6, 5, 2, 1), (32, 5, 8, 4), (32, 5, 4, 1), (8, 6, 2, 4), (8, 6, 1, 1)])
def test_sparse_blocks_are_whole_groups(images, side, wanted, expected):
    """Of 25 or 36 pixels: eight images or two."""
    assert blocks("4x4", ConvSpec(8, 8, wu=WU), images, side, wanted) == expected


@pytest.mark.parametrize("images", [1, 2, 3, 5, 7, 13, 33])
@pytest.mark.parametrize("side", [4, 5, 6])
def test_any_batch_has_blocks_of_whole_groups(images, side):
    with DraftBackend(SatConfig.from_name("2x2")) as backend:
        core = Core(backend)
        layer = Conv2d(core, "conv", ConvSpec(3, 5, wu=WU), images, side, side,
                       np.random.default_rng(1))
        x = core.feature_map("x", images, side, side, 3)
        gradient = layer.gradients(x, layer.feature_map("d_out"))[0]
        program = core.program()
        gradient.start(program)
        rows = [command.descriptor.windows.count for command in program]
    assert sum(rows) == images * side * side
    assert all(count % 8 == 0 for count in rows[:-1])


def test_without_the_cycle_model_it_is_estimated(monkeypatch):
    def fail(*args):
        raise native.BuildError("there is no compiler")

    monkeypatch.setattr(wu_blocks, "_known", {})
    monkeypatch.setattr(wu_blocks.model, "run", fail)
    assert blocks("8x8", ConvSpec(16, 16), 64, 8) == 2
    assert blocks("8x8", ConvSpec(64, 64), 64, 2) == 1


def test_layers_that_are_alike_are_timed_once(monkeypatch):
    calls, run = [], wu_blocks.model.run
    monkeypatch.setattr(wu_blocks, "_known", {})
    monkeypatch.setattr(wu_blocks.model, "run", lambda *args: calls.append(1) or run(*args))
    blocks("8x8", ConvSpec(16, 16, wu=WU), 16, 8)
    count = len(calls)
    assert count > 1
    blocks("8x8", ConvSpec(16, 16, wu=WU), 16, 8)
    assert len(calls) == count
    blocks("4x4", ConvSpec(16, 16, wu=WU), 16, 8)
    assert len(calls) > count


def test_gradients_are_the_sums_of_the_blocks_that_were_chosen():
    """Added up in their order; not all layers have as many."""
    core = Core(GoldenBackend(memory_size=4 << 20))
    net = ResNet(core, 16, 8, 8, 1, 5, (2, 8), np.random.default_rng(3), (8, 16, 64), keep=True)
    rng = np.random.default_rng(4)
    net.train_step(rng.standard_normal((16, 8, 8, 1)).astype(np.float16), rng.integers(0, 5, 16))
    counts = []
    for unit in net.units:
        counts.append(len(unit.gradient.products))
        size = -(-16 // counts[-1])
        sums = []
        for first in range(0, 16, size):
            x, d_z = (fmap.part(first, first + size).tensor.read().view(np.uint16)
                      for fmap in (unit.x, unit.d_z))
            sums.append(golden_conv(x, replace(unit.conv.windows, images=size), d_z,
                                    a_trans=True, out_fp32=True))
        expected = reduce(lambda total, block: fp32_add(block, total), sums)
        assert np.array_equal(unit.conv.dw.read().view(np.uint32), expected)
    assert len(set(counts)) > 1
