# SPDX-License-Identifier: Apache-2.0
"""Convolution, AFFINE, STATS and POOL in programs: argument checks, descriptors, results."""

from dataclasses import replace

import numpy as np
import pytest

from sat import FP16, FP32, Core
from sat.memory import INDEX
from sat.nn import AveragePool, Patches
from sat.nn.pooling import AVERAGE_MAX, equal_shares
from sat_golden import stimulus, vector
from sat_golden.checks import check
from sat_golden.defs import AffineSlot, MatmulFlag, MatmulSlot, Opcode, StatsSlot
from sat_golden.descriptor import Descriptor
from sat_golden.windows import Windows

pytestmark = pytest.mark.quick
WINDOWS = Windows.sliding(2, 5, 6, 3, 3, stride=2, pad=1)  # 60 pixels, 2*3*3 = 18 windows


@pytest.fixture
def tensors(core: Core) -> dict:
    return {
        "x": core.tensor("x", (60, 16), FP16),
        "s": core.tensor("s", (9 * 16, 24), FP16),
        "stack": core.stack("stack", 9, (16, 24), 2, 8),
        "compressed": core.compressed("compressed", (18, 24), 2, 8),
        "out": core.tensor("out", (18, 24), FP16),
        "dw": core.tensor("dw", (9 * 16, 24), FP32),
        "bias": core.tensor("bias", (1, 24), FP32),
        "row": core.tensor("row", (1, 16), FP32),
        "row2": core.tensor("row2", (1, 16), FP32),
        "pooled": core.tensor("pooled", (18, 16), FP16),
        "winner": core.tensor("winner", (18, 16), INDEX),
        "other": core.tensor("other", (60, 16), FP16),
        "small": core.tensor("small", (59, 16), FP16),
    }


def pick(tensors: dict, arguments: dict) -> dict:
    """Arguments with names of tensors replaced by these."""
    return {key: tensors.get(value, value) if isinstance(value, str) else value
            for key, value in arguments.items()}


def test_descriptors_pass_the_core_checks(core: Core, tensors):
    t = tensors
    program = core.program()
    program.conv(t["x"], t["stack"], t["out"], WINDOWS, bias=t["bias"], relu=True)
    program.conv(t["x"], t["s"], t["out"], WINDOWS, residual=t["out"], mask=t["out"])
    program.conv(t["x"], t["out"], t["dw"], WINDOWS, a_trans=True)
    program.conv(t["x"], t["compressed"], t["dw"], WINDOWS, a_trans=True)
    program.affine(t["x"], t["x"], t["row"], t["row2"], relu=True)
    program.affine(t["x"], t["other"], t["row"], t["row2"], y=t["other"], beta=t["row"])
    program.stats(t["x"], t["row"], t["row2"], y=t["other"])
    program.stats(t["x"], t["row"], t["row2"])
    program.max_pool(t["x"], t["pooled"], t["winner"], WINDOWS)
    program.max_pool_backward(t["pooled"], t["winner"], t["x"], WINDOWS.transposed())
    packed = program.pack()
    for start in range(0, len(packed), 128):
        check(packed[start : start + 128], start, 40)
    conv = Descriptor.unpack(packed[:128])
    assert conv.windows == WINDOWS
    assert (conv.rows, conv.cols, conv.depth, conv.n, conv.m) == (2, 24, 16, 2, 8)
    assert conv.flags & MatmulFlag.CONV and conv.slot(MatmulSlot.BIAS).stride == 0
    affine = Descriptor.unpack(packed[5 * 128 : 6 * 128])
    assert affine.opcode == Opcode.AFFINE and affine.slot(AffineSlot.BETA).stride == 0
    assert Descriptor.unpack(packed[6 * 128 : 7 * 128]).slot(StatsSlot.DOT).stride == 0


@pytest.mark.parametrize("change, error, name", [
    ({"a": "small"}, ValueError, "a"),
    ({"a": "dw"}, TypeError, "a"),
    ({"s": "compressed"}, TypeError, "s"),
    ({"s": "out"}, ValueError, "s"),
    ({"out": "pooled"}, ValueError, "s"),
    ({"out": "s"}, ValueError, "out"),
    ({"bias": "row"}, ValueError, "bias"),
    ({"mask": "pooled"}, ValueError, "mask"),
    ({"out": "bias"}, ValueError, "out"),
    ({"s": "stack", "windows": replace(WINDOWS, kernel_h=2)}, ValueError, "s"),
    ({"windows": replace(WINDOWS, kernel_w=16)}, ValueError, "windows"),
    ({"windows": replace(WINDOWS, out_h=0)}, ValueError, "windows"),
    ({"windows": replace(WINDOWS, pad_top=-129)}, ValueError, "windows"),
    ({"windows": replace(WINDOWS, out_h=65536)}, ValueError, "windows"),
    ({"windows": replace(WINDOWS, images=1 << 10, out_h=65535)}, ValueError, "windows"),
    ({"a_trans": True, "s": "stack"}, TypeError, "s"),
    ({"a_trans": True, "s": "out", "out": "x"}, ValueError, "s"),
    ({"a_trans": True, "s": "pooled", "out": "other"}, ValueError, "out"),
])
def test_wrong_conv_argument_is_named(core: Core, tensors, change, error, name):
    arguments = {"a": "x", "s": "s", "out": "out", "windows": WINDOWS, **change}
    with pytest.raises(error, match=f"^{name}:"):
        core.program().conv(**pick(tensors, arguments))


@pytest.mark.parametrize("method, arguments, error, name", [
    ("affine", {"x": "x", "out": "small", "alpha": "row", "gamma": "row2"}, ValueError, "out"),
    ("affine", {"x": "x", "out": "other", "alpha": "bias", "gamma": "row"}, ValueError, "alpha"),
    ("affine", {"x": "x", "out": "other", "alpha": "row", "gamma": "small"}, TypeError, "gamma"),
    ("affine", {"x": "x", "out": "x", "alpha": "row", "gamma": "row", "y": "other"}, ValueError,
     "beta"),
    ("affine", {"x": "x", "out": "x", "alpha": "row", "gamma": "row", "y": "small", "beta": "row"},
     ValueError, "y"),
    ("stats", {"x": "x", "total": "bias", "dot": "row"}, ValueError, "total"),
    ("stats", {"x": "x", "total": "row", "dot": "row"}, ValueError, "dot"),
    ("stats", {"x": "x", "total": "row", "dot": "row2", "y": "small"}, ValueError, "y"),
    ("max_pool", {"x": "x", "out": "out", "winner": "winner", "windows": WINDOWS}, ValueError,
     "out"),
    ("max_pool", {"x": "x", "out": "pooled", "winner": "pooled", "windows": WINDOWS}, TypeError,
     "winner"),
    ("max_pool", {"x": "small", "out": "pooled", "winner": "winner", "windows": WINDOWS},
     ValueError, "x"),
    ("max_pool", {"x": "x", "out": "pooled", "winner": "winner",
                  "windows": replace(WINDOWS, kernel_h=6)}, ValueError, "windows"),
    ("max_pool_backward", {"d_out": "pooled", "winner": "winner", "d_x": "small",
                           "windows": WINDOWS.transposed()}, ValueError, "d_x"),
])
def test_wrong_argument_is_named(core: Core, tensors, method, arguments, error, name):
    with pytest.raises(error, match=f"^{name}:"):
        getattr(core.program(), method)(**pick(tensors, arguments))


def test_output_on_an_input_is_an_error(core: Core, tensors):
    t, program = tensors, core.program()
    shifted = replace(t["x"], name="shifted", addr=t["x"].addr + 64)
    with pytest.raises(ValueError, match="^out: overlaps x"):
        program.affine(t["x"], shifted, t["row"], t["row2"])
    one = Windows.sliding(2, 5, 6, 1, 1)
    weights = core.tensor("weights", (16, 16), FP16)
    with pytest.raises(ValueError, match="^out: overlaps a"):
        program.conv(t["x"], weights, t["x"], one)


def test_convolution_on_the_core(core: Core, rng):
    """Identity at the middle position: y is x."""
    windows = Windows.sliding(2, 4, 5, 3, 3, pad=1)
    x = core.feature_map("x", 2, 4, 5, 16)
    x.write(rng.standard_normal((2, 4, 5, 16)).astype(np.float16))
    y = core.feature_map("y", 2, 4, 5, 16)
    weights = np.zeros((9, 16, 16), np.float16)
    weights[4] = np.eye(16)
    stack, w = core.stack("stack", 9, (16, 16), 2, 8), core.tensor("w", (144, 16), FP16)
    w.write(weights.reshape(144, 16))
    program = core.program()
    for position in range(9):
        program.prune(w[16 * position : 16 * position + 16, :], ff=stack[position])
    command = program.conv(x.tensor, stack, y.tensor, windows)
    core.run(program)
    assert np.array_equal(stack.to_dense(), weights) and np.array_equal(y.read(), x.read())
    assert command.macs == 2 * 4 * 5 * 16 * 9 * 4


def test_inserted_zeros_are_no_multiplies(core: Core, tensors):
    """BP of a stride of 2 needs as many as FF; padding counts as usual."""
    layer = Windows.sliding(1, 8, 8, 3, 3, stride=2, pad=1)
    x, dx = core.tensor("x", (64, 16), FP16), core.tensor("dx", (64, 16), FP16)
    y = core.tensor("y", (16, 24), FP16)
    w, w_bp = core.tensor("w", (144, 24), FP16), core.tensor("w_bp", (216, 16), FP16)
    program = core.program()
    forward = program.conv(x, w, y, layer).macs
    backward = program.conv(y, w_bp, dx, layer.transposed()).macs
    assert forward == 16 * 144 * 24 and backward == 64 * 216 * 16 // 4


def test_shares_of_an_average_add_up_to_one():
    for count in [*range(1, 64 * 64 + 1), AVERAGE_MAX - 1, AVERAGE_MAX]:
        shares = equal_shares(count).astype(float)
        assert shares.sum() == 1 and np.array_equal(shares, shares[::-1])
        assert np.abs(shares - 1 / count).max() < np.spacing(np.float16(1 / count))


@pytest.mark.parametrize("count", [2, 3, 6, 9, 49, 225, 33 * 47, 64 * 64])
def test_average_of_one_value_is_that_value(count):
    """Every finite one."""
    values = stimulus.ALL_FP16[np.isfinite(stimulus.ALL_FP16.view(np.float16))]
    total = np.zeros(values.size, np.uint32)
    for share in equal_shares(count).view(np.uint16):
        total = vector.pe_mac(total, values, np.full_like(values, share))
    assert np.array_equal(vector.fp32_to_fp16(total), np.where(values == 0x8000, 0, values))


@pytest.mark.parametrize("windows", [Windows(2, 7, 7, 1, 1, 7, 7), Windows.sliding(2, 6, 5, 3, 2)])
def test_average_pool(core: Core, rng, windows):
    """The average of ones is 1. Forward and backward are a matrix and its transpose."""
    layer = AveragePool(core, "pool", windows, 20)
    x = core.feature_map("x", windows.images, windows.map_h, windows.map_w, 20)
    out, d_out, program = layer.feature_map("out"), layer.feature_map("d_out"), core.program()
    d_x = core.feature_map("d_x", windows.images, windows.map_h, windows.map_w, 20)
    layer.forward(program, x, out)
    layer.backward(program, d_out, d_x)
    x.write(np.ones_like(x.read()))
    core.run(program)
    assert (out.read() == 1).all()

    average = np.zeros((windows.count, windows.pixels))
    for position, share in enumerate(equal_shares(windows.positions)):
        average[np.arange(windows.count), windows.pixels_at(position)] = share
    x.write(rng.standard_normal(x.read().shape).astype(np.float16))
    d_out.write(rng.standard_normal(out.read().shape).astype(np.float16))
    core.run(program)
    for got, expected in ((out, average @ x.tensor.read().astype(float)),
                          (d_x, average.T @ d_out.tensor.read().astype(float))):
        assert np.allclose(got.tensor.read(), expected, rtol=2**-11, atol=2**-20)


def test_gradient_of_an_average_is_a_product_per_image(core: Core, rng):
    """With the bits of the transposed convolution, also behind a mask and a sum."""
    layer = AveragePool.of_all(core, "pool", 3, 5, 4, 20)
    d_out, program = layer.feature_map("d_out"), core.program()
    product, conv, mask, residual = (core.feature_map(name, 3, 5, 4, 20)
                                     for name in ("product", "conv", "mask", "residual"))
    for fmap in (d_out, mask, residual):
        fmap.write(rng.standard_normal(fmap.read().shape).astype(np.float16))
    epilogue = {"mask": mask.tensor, "residual": residual.tensor}
    layer.backward(program, d_out, product, **epilogue)
    assert len(program) == 3 and all(command.descriptor.depth == 1 for command in program)
    program.conv(d_out.tensor, layer.planes, conv.tensor, layer.windows.transposed(), **epilogue)
    core.run(program)
    assert np.array_equal(product.read().view(np.uint16), conv.read().view(np.uint16))


@pytest.mark.parametrize("windows", [
    Windows(2, 7, 5, 1, 1, 7, 5), Windows.sliding(2, 8, 6, 3, 2, stride=2, pad=1),
    Windows.sliding(1, 9, 9, 2, 2, stride=4)])
def test_an_average_by_products_has_the_bits_of_the_convolution(
        core: Core, rng, monkeypatch, windows):
    results = []
    for products in (False, True):
        if products:
            monkeypatch.setattr(Patches, "windows", None)
        layer = AveragePool(core, "pool", windows, 20)
        x, d_x = (core.feature_map(name, windows.images, windows.map_h, windows.map_w, 20)
                  for name in ("x", "d_x"))
        out, d_out = layer.feature_map("out"), layer.feature_map("d_out")
        values = np.random.default_rng(7)
        for fmap in (x, d_out):
            fmap.write(values.standard_normal(fmap.shape).astype(np.float16))
        program = core.program()
        layer.forward(program, x, out)
        layer.backward(program, d_out, d_x)
        assert any(command.descriptor.flags & MatmulFlag.CONV for command in program) != products
        core.run(program)
        results.append([fmap.read().view(np.uint16) for fmap in (out, d_x)])
    for conv, product in zip(*results):
        assert np.array_equal(conv, product)


@pytest.mark.parametrize("windows", [
    Windows(3, 15, 9, 1, 1, 15, 9), Windows.sliding(2, 8, 6, 3, 2, stride=2, pad=1),
    Windows.sliding(2, 16, 24, 8, 8, stride=8), Windows(1, 5, 5, 1, 3, 5, 2, step_log2=1)])
def test_patches_of_windows_are_these(windows):
    assert Patches.of(windows).windows == windows


def test_patches_share_what_is_equal(core: Core):
    """Even rows have one matrix; a command for each of them reads no other lines."""
    layer = AveragePool(core, "pool", Patches.sliding(2, 48, 20, (16, 20)), 8)
    x, out, program = core.feature_map("x", 2, 48, 20, 8), layer.feature_map("out"), core.program()
    layer.forward(program, x, out)
    assert out.shape == (2, 3, 1, 8) and len(program) == 6
    assert all(command.descriptor.depth == 16 * 20 for command in program)
    assert len({command.descriptor.slots[MatmulSlot.A] for command in program}) == 1


@pytest.mark.parametrize("make, message", [
    (lambda: Patches.adaptive(1, 129, 128), "an average of 129x128 pixels: at most 16384"),
    (lambda: Patches.adaptive(1, 8, 8, 0, 1), "out_h: 0 is not in 1"),
    (lambda: Patches.sliding(1, 8, 8, (9, 3)), "kernel: 9 does not fit a side of 8"),
    (lambda: Patches.sliding(1, 8, 8, (3, 3), (1, 0)), "stride: 0 is not in 1"),
    (lambda: Patches.sliding(1, 8, 8, (3, 3), pad=(3, 0)), r"pad: 3 is not in 0\.\.2"),
    (lambda: Patches(1, 8, 8, (), ((0, 8),)), "rows: there is none"),
    (lambda: Patches(1, 8, 8, ((0, 8),), ((8, 9),)), r"cols: 8\.\.8 has nothing of a side of 8"),
    (lambda: Patches.of(Windows.sliding(1, 8, 8, 3, 3, dilation=2)), "windows: those of an av")])
def test_patches_that_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_vector_commands_overlap_with_the_array(core: Core, tensors):
    """STATS beside the next gradient, but not before what makes its map."""
    t, program = tensors, core.program()
    program.conv(t["x"], t["stack"], t["out"], WINDOWS)
    program.stats(t["out"], t["bias"], core.tensor("dot", (1, 24), FP32))
    program.conv(t["x"], t["out"], t["dw"], WINDOWS, a_trans=True)
    program.affine(t["x"], t["other"], t["row"], t["row2"])
    assert [command.descriptor.overlap for command in program] == [True, False, True, True]


def test_views_of_stacks_and_maps_are_checked(core: Core):
    stack = core.stack("stack", 4, (12, 8), 2, 8)
    assert stack.values.shape == (4 * 4, 8) and stack[3].values.addr == stack.values[12:, :].addr
    with pytest.raises(IndexError, match="position 4"):
        stack[4]
    dense = core.stack("dense", 4, (12, 8), 2, 2)
    assert dense.values.shape == (48, 8) and dense.indices is None
    fmap = core.feature_map("map", 2, 3, 4, 5)
    assert (fmap.tensor.shape, fmap.channels) == ((24, 5), 5)
    with pytest.raises(ValueError, match="^values:"):
        fmap.write(np.zeros((24, 5), np.float16))
