# SPDX-License-Identifier: Apache-2.0
"""The C driver against the Python host: same descriptors, same results, errors reported."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
import threading
from ctypes import byref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sat import FP16, FP32, Core, GoldenBackend, Program, SatConfig, SimBackend, toolchain
from sat.memory import INDEX
from sat.regs import ID_VALUE, Reg
from sat_golden import sample
from sat_golden.defs import POOL_POSITIONS_MAX, Error
from sat_golden.sampling import Key
from sat_golden.windows import Windows

from . import driver
from .driver import Builder, c_tensor, c_windows, library

quick = pytest.mark.quick
MEMORY_BYTES = 4 << 20
SEED = 1


@pytest.fixture
def core() -> Core:
    return Core(GoldenBackend(memory_size=MEMORY_BYTES))


@pytest.fixture(params=[pytest.param("golden", marks=quick), "sim"])
def backend(request):
    if request.param == "golden":
        yield GoldenBackend(memory_size=MEMORY_BYTES)
    else:
        with SimBackend(SatConfig.from_name("2x2"), memory_size=MEMORY_BYTES) as simulated:
            yield simulated


def open_device(backend) -> driver.Device:
    device, hal = driver.Device(), driver.backend_hal(backend)
    device.callbacks = hal  # which live as long as Python refers to them
    assert library().sat_open(byref(device), byref(hal)) == driver.OK
    return device


# Compilation

@quick
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("source", [*driver.DRIVER, driver.SW / "hal" / "sat_sim.c",
                                    driver.SW / "examples" / "mlp.c"], ids=lambda path: path.stem)
def test_sources_compile_without_a_warning(compiler: str, source: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    subprocess.run([compiler, *driver.FLAGS, *driver.INCLUDES, "-DSAT_WITH_SIM",
                    "-fsyntax-only", str(source)], check=True)


@quick
def test_header_serves_cpp() -> None:
    subprocess.run([*toolchain.compiler("CXX"), "-std=c++11", "-Wall", "-Wextra", "-Werror",
                    "-pedantic",
                    *driver.INCLUDES, "-fsyntax-only", "-xc++", str(driver.SW / "sat.h")],
                   check=True)


# FP16

@quick
def test_every_half_survives() -> None:
    patterns = np.arange(1 << 16, dtype=np.uint16)
    values = patterns.view(np.float16).astype(np.float64)
    lib = library()
    got = np.array([lib.sat_half_value(int(pattern)) for pattern in patterns])
    assert np.array_equal(got, values, equal_nan=True)
    back = np.array([lib.sat_half(value) for value in values], np.uint16)
    assert np.array_equal(back, np.where(np.isnan(values), 0x7E00, patterns))


@quick
def test_rounding_is_that_of_numpy() -> None:
    rng = np.random.default_rng(SEED)
    finite = np.sort(np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64))
    ties = (finite[1:] + finite[:-1]) / 2
    near = np.concatenate([ties, np.nextafter(ties, 0), np.nextafter(ties, np.inf),
                           [65519.99, 65520.0, 1e300, 5e-324, 2.0 ** -25, np.inf]])
    values = np.concatenate([near, -near, rng.standard_normal(20000) * 10.0 ** rng.integers(
        -9, 6, 20000)])
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16).view(np.uint16)
    got = np.array([library().sat_half(value) for value in values], np.uint16)
    assert np.array_equal(got, expected)


# Descriptors

def random_tensors(core: Core, rng: np.random.Generator) -> dict:
    """Tensors of one random layer."""
    i, j, k = (int(rng.integers(1, 40)) for _ in range(3))
    m = int(rng.choice([2, 4, 8, 16]))
    n = int(rng.integers(1, m + 1))
    return {
        "a": core.tensor("a", (i, k), FP16), "at": core.tensor("at", (k, i), FP16),
        "s": core.tensor("s", (k, j), FP16), "c16": core.tensor("c16", (i, j), FP16),
        "c32": core.tensor("c32", (i, j), FP32), "bias": core.tensor("bias", (1, j), FP32),
        "r16": core.tensor("r16", (i, j), FP16), "r32": core.tensor("r32", (i, j), FP32),
        "p": core.tensor("p", (i, j), FP16),
        "w": core.tensor("w", (k, j), FP32), "w16": core.tensor("w16", (k, j), FP16),
        "v": core.tensor("v", (k, j), FP32), "dw": core.tensor("dw", (k, j), FP32),
        "ff": core.compressed("ff", (k, j), n, m), "bp": core.compressed("bp", (j, k), n, m),
    }


def flip(rng: np.random.Generator) -> bool:
    return bool(rng.integers(2))


@quick
@pytest.mark.parametrize("round_", range(40))
def test_descriptors_equal_those_of_the_host(core: Core, round_: int) -> None:
    rng = np.random.default_rng([SEED, round_])
    t = random_tensors(core, rng)
    host, c = Program(core.backend.config), Builder()
    trans, fp32, sparse = flip(rng), flip(rng), flip(rng)
    options = dict(a_trans=trans, relu=flip(rng), row_interleave=0, overlap=False,
                   **{name: t[key] for name, key in (("bias", "bias"), ("mask", "p"),
                                                     ("residual", "r32" if fp32 else "r16"))
                      if flip(rng)})
    arguments = (t["at" if trans else "a"], t["ff" if sparse else "s"], t["c32" if fp32 else "c16"])
    host.matmul(*arguments, **options)
    assert c.matmul(*arguments, **options) == driver.OK
    copies = [{"ff": t["ff"]}, {"bp": t["bp"]}, {"ff": t["ff"], "bp": t["bp"]}]
    chosen = copies[rng.integers(3)]
    source = t["w16" if flip(rng) else "w"]
    host.prune(source, **chosen, overlap=False)
    assert c.prune(source, **chosen) == driver.OK
    layer = int(rng.integers(1 << 32))
    host.prune(source, ff=t["ff"], layer=layer, overlap=False)
    assert c.sample(source, ff=t["ff"], layer=layer) == driver.OK
    host.fence(irq=True)
    assert c.fence(irq=True) == driver.OK
    chosen = [*copies, {}][rng.integers(4)]
    scalars = {name: float(np.float32(rng.random())) for name in ("lr", "momentum", "inv_scale")}
    decay = {"decay": 0.25} if flip(rng) else {}
    skip = flip(rng)
    arguments = t["w"], t["v"], t["dw"]
    # A FENCE before it: nothing forbids the host to set `overlap`.
    host.update(*arguments, **chosen, **scalars, **decay, skip_on_overflow=skip)
    assert c.update(*arguments, **chosen, **scalars, **decay, skip_on_overflow=skip,
                    overlap=True) == driver.OK
    assert c.pack() == host.pack()


def random_windows(rng: np.random.Generator) -> Windows:
    """Of some layer, or of its gradient."""
    while True:
        sizes = [int(rng.integers(low, high)) for low, high in ((1, 3), (1, 12), (1, 12), (1, 6),
                                                                (1, 6))]
        stride, dilation = (int(rng.choice([1, 2, 4, 8], p=[0.4, 0.4, 0.1, 0.1]))
                            for _ in range(2))
        try:
            windows = Windows.sliding(*sizes, stride=stride, pad=int(rng.integers(3)),
                                      dilation=dilation)
            return windows.transposed() if flip(rng) else windows
        except ValueError:
            continue


@quick
@pytest.mark.parametrize("round_", range(40))
def test_descriptors_of_convolutions_equal_those_of_the_host(core: Core, round_: int) -> None:
    rng = np.random.default_rng([SEED, 1, round_])
    windows = random_windows(rng)
    channels, j, m = int(rng.integers(1, 40)), int(rng.integers(1, 40)), int(rng.choice([2, 4, 8]))
    n = int(rng.integers(1, m + 1))
    count, positions = windows.count, windows.positions
    x = core.tensor("x", (windows.pixels, channels), FP16)
    stack = core.stack("stack", positions, (channels, j), n, m)
    format = FP32 if flip(rng) else FP16
    y, dw = (core.tensor("out", (rows, j), format) for rows in (count, positions * channels))
    host, c = Program(core.backend.config), Builder()
    options = dict(relu=flip(rng), row_interleave=0, overlap=False)
    if flip(rng):
        options["bias"] = core.tensor("bias", (1, j), FP32)
    for out, s, trans in ((y, stack, False), (dw, core.tensor("dy", (count, j), FP16), True),
                          (dw, core.compressed("dy", (count, j), n, m), True)):
        epilogue = {name: core.tensor(name, out.shape, kind)
                    for name, kind in (("residual", format), ("mask", FP16)) if flip(rng)}
        if flip(rng):
            epilogue["sums"] = core.tensor("sums", (2, j), FP32)
        host.conv(x, s, out, windows, a_trans=trans, **options, **epilogue)
        assert c.conv(x, s, out, windows, a_trans=trans, **options, **epilogue) == driver.OK
    assert c.pack() == host.pack()


@quick
@pytest.mark.parametrize("round_", range(20))
def test_descriptors_of_feature_maps_equal_those_of_the_host(core: Core, round_: int) -> None:
    rng = np.random.default_rng([SEED, 2, round_])
    windows = random_windows(rng)
    while windows.positions > POOL_POSITIONS_MAX:
        windows = random_windows(rng)
    cols = int(rng.integers(1, 60))
    x, y, out = (core.tensor(name, (windows.pixels, cols), FP16) for name in ("x", "y", "out"))
    seen = core.tensor("seen", (windows.count, cols), FP16)
    winner_in, winner_out = (core.tensor("winner", t.shape, INDEX) for t in (x, seen))
    alpha, beta, gamma = (core.tensor(name, (1, cols), FP32) for name in ("alpha", "beta", "gamma"))
    second, relu = flip(rng), flip(rng)
    host, c = Program(core.backend.config), Builder()

    def build(builder: Program | Builder) -> list:
        return [
            builder.affine(x, out, alpha, gamma, relu=relu, overlap=False,
                           **({"y": y, "beta": beta} if second else {})),
            builder.stats(x, alpha, beta, overlap=False, y=y if second else None),
            builder.max_pool(x, seen, winner_out, windows, overlap=False),
            builder.max_pool_backward(x, winner_in, seen, windows, overlap=False),
        ]

    build(host)
    assert build(c) == [driver.OK] * 4
    assert c.pack() == host.pack()


@quick
@pytest.mark.parametrize("round_", range(40))
def test_windows_equal_those_of_the_golden_model(round_: int) -> None:
    rng = np.random.default_rng([SEED, 3, round_])
    lib, forward, gradient = library(), driver.CWindows(), driver.CWindows()
    sizes = [int(rng.integers(low, high)) for low, high in ((1, 4), (1, 20), (1, 20), (1, 9),
                                                            (1, 9))]
    stride, dilation = (int(rng.integers(1, 6)) for _ in range(2))
    pad = int(rng.choice([*range(12), 127, 128]))
    status = lib.sat_windows_sliding(byref(forward), *sizes, stride, pad, dilation)
    try:
        expected = Windows.sliding(*sizes, stride=stride, pad=pad, dilation=dilation)
    except ValueError:
        assert status == driver.E_ARGUMENT
        return
    assert status == driver.OK and bytes(forward) == bytes(c_windows(expected))
    assert lib.sat_windows_pixels(byref(forward)) == expected.pixels
    assert lib.sat_windows_count(byref(forward)) == expected.count
    assert lib.sat_windows_positions(byref(forward)) == expected.positions
    status = lib.sat_windows_transposed(byref(forward), byref(gradient))
    assert status == driver.OK and bytes(gradient) == bytes(c_windows(expected.transposed()))


@quick
@pytest.mark.parametrize("call", [
    lambda c, t: c.matmul(t["s"], t["s"], t["c16"]),
    lambda c, t: c.matmul(t["a"], t["s"], t["bias"]),
    lambda c, t: c.matmul(t["a"], t["s"], t["c16"], a_trans=True),
    lambda c, t: c.matmul(t["a"], t["s"], t["c16"], bias=t["r"]),
    lambda c, t: c.matmul(t["a"], t["s"], t["c16"], residual=t["c32"]),
    lambda c, t: c.matmul(t["a"], t["s"], t["c32"], residual=t["c16"]),
    lambda c, t: c.matmul(t["a"], t["s"], t["c16"], mask=t["a"]),
    lambda c, t: c.matmul(t["a"], t["s"], t["c16"], sums=t["bias"]),
    lambda c, t: c.matmul(t["a"], t["s"], t["c16"], row_interleave=8),
    lambda c, t: c.matmul(t["a"], t["w"], t["c16"]),
    lambda c, t: c.matmul(t["a"], t["bp"], t["c16"]),
    lambda c, t: c.prune(t["w"]),
    lambda c, t: c.prune(t["w"], ff=t["bp"]),
    lambda c, t: c.prune(t["w"], ff=t["ff"], bp=t["bp4"]),
    lambda c, t: c.prune(t["index"], ff=t["ff"]),
    lambda c, t: c.sample(t["w"]),
    lambda c, t: c.sample(t["w"], ff=t["bp"]),
    lambda c, t: c.update(t["w16"], t["v"], t["dw"]),
    lambda c, t: c.update(t["w"], t["v"], t["c32"]),
    lambda c, t: c.update(t["w"], t["v"], t["dw"], bp=t["ff"]),
])
def test_wrong_arguments_are_refused(core: Core, call) -> None:
    t = {"a": core.tensor("a", (5, 24), FP16), "s": core.tensor("s", (24, 7), FP16),
         "c16": core.tensor("c16", (5, 7), FP16), "c32": core.tensor("c32", (5, 7), FP32),
         "bias": core.tensor("bias", (1, 7), FP32), "r": core.tensor("r", (5, 7), FP16),
         "w": core.tensor("w", (24, 7), FP32), "w16": core.tensor("w16", (24, 7), FP16),
         "v": core.tensor("v", (24, 7), FP32), "dw": core.tensor("dw", (24, 7), FP32),
         "index": core.tensor("index", (24, 7), INDEX),
         "ff": core.compressed("ff", (24, 7), 2, 8), "bp": core.compressed("bp", (7, 24), 2, 8),
         "bp4": core.compressed("bp4", (7, 24), 2, 4)}
    c = Builder()
    assert call(c, t) == driver.E_ARGUMENT
    assert c.program.length == 0


W = Windows.sliding(2, 4, 5, 3, 3, pad=1)


@quick
@pytest.mark.parametrize("call", [
    lambda c, t: c.conv(t["x"], t["dw"], t["y"], W, a_trans=True),
    lambda c, t: c.conv(t["x"], t["y"], t["y"], W, a_trans=True),
    lambda c, t: c.conv(t["x"], t["stack"], t["dw"], W),
    lambda c, t: c.conv(t["y"], t["stack"], t["x"], W),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], Windows.sliding(2, 4, 5, 1, 1)),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], Windows.sliding(1, 4, 5, 3, 3, pad=1)),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], replace(W, images=0)),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], replace(W, pad_top=128)),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], replace(W, pad_left=-129)),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], replace(W, step_log2=4)),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], replace(W, images=1 << 23, map_h=2, map_w=1)),
    lambda c, t: c.conv(t["x"], t["stack"], t["y"], W, bias=t["x"]),
    lambda c, t: c.affine(t["x"], t["y"], t["v"], t["v"]),
    lambda c, t: c.affine(t["x"], t["x"], t["v"], t["short"]),
    lambda c, t: c.affine(t["x"], t["x"], t["v"], t["v"], y=t["x"]),
    lambda c, t: c.affine(t["x"], t["x"], t["v"], t["v"], y=t["y"], beta=t["v"]),
    lambda c, t: c.stats(t["x"], t["v"], t["short"]),
    lambda c, t: c.stats(t["x"], t["v"], t["v"], y=t["y"]),
    lambda c, t: c.max_pool(t["x"], t["x"], t["y"], W),
    lambda c, t: c.max_pool(t["x"], t["y"], t["winner"], W),
    lambda c, t: c.max_pool(t["x"], t["x"], t["winner"], Windows.sliding(2, 4, 5, 5, 5, pad=2)),
    lambda c, t: c.max_pool_backward(t["x"], t["short"], t["x"], W),
])
def test_wrong_arguments_of_convolutions_are_refused(core: Core, call) -> None:
    t = {"x": core.tensor("x", (40, 12), FP16), "y": core.tensor("y", (40, 7), FP16),
         "stack": core.stack("stack", 9, (12, 7), 2, 8), "dw": core.tensor("dw", (108, 7), FP32),
         "v": core.tensor("v", (1, 12), FP32), "short": core.tensor("short", (1, 7), FP32),
         "winner": core.tensor("winner", (40, 12), INDEX)}
    assert Builder().conv(t["x"], t["stack"], t["y"], W) == driver.OK
    assert Builder().conv(t["x"], t["y"], t["dw"], W, a_trans=True) == driver.OK
    assert Builder().max_pool(t["x"], t["x"], t["winner"], W) == driver.OK
    c = Builder()
    assert call(c, t) == driver.E_ARGUMENT
    assert c.program.length == 0


@quick
@pytest.mark.parametrize("harm", [
    {"address": 32}, {"stride": 48}, {"stride": 1 << 24}, {"stride": 96}, {"rows": 0},
    {"rows": 1 << 24}, {"cols": 1 << 24},
])
def test_wrong_tensors_are_refused(core: Core, harm: dict[str, int]) -> None:
    tensor = c_tensor(core.tensor("w", (24, 40), FP32))
    matrix = driver.c_matrix(core.compressed("ff", (24, 40), 2, 8))
    for name, value in harm.items():
        setattr(tensor, name, value)
    matrix.rows, matrix.cols = tensor.rows, tensor.cols
    program = Builder().program
    assert library().sat_prune(byref(program), byref(tensor), byref(matrix), None,
                               ctypes.c_bool(False)) == driver.E_ARGUMENT


@quick
def test_full_program_is_reported() -> None:
    c = Builder(capacity=2)
    assert [c.fence() for _ in range(3)] == [driver.OK, driver.OK, driver.E_FULL]


@quick
def test_arena_hands_out_what_the_host_does(core: Core) -> None:
    start = core.reserve(64)
    arena = driver.Arena(start + 64, start + 64 + 16384)
    tensor, matrix = driver.CTensor(), driver.Matrix()
    assert library().sat_tensor_new(byref(arena), byref(tensor), 3, 33, 16) == driver.OK
    assert bytes(tensor) == bytes(c_tensor(core.tensor("t", (3, 33), FP16)))
    assert library().sat_matrix_new(byref(arena), byref(matrix), 20, 9, 2, 8) == driver.OK
    assert bytes(matrix) == bytes(driver.c_matrix(core.compressed("m", (20, 9), 2, 8)))
    stack, wanted = driver.CStack(), core.stack("s", 9, (20, 9), 2, 8)
    assert library().sat_stack_new(byref(arena), byref(stack), 9, 20, 9, 2, 8) == driver.OK
    assert bytes(stack) == bytes(driver.c_stack(wanted))
    assert library().sat_stack_at(byref(stack), 8, byref(matrix)) == driver.OK
    assert bytes(matrix) == bytes(driver.c_matrix(wanted[8]))
    assert library().sat_stack_at(byref(stack), 9, byref(matrix)) == driver.E_ARGUMENT
    assert library().sat_stack_new(byref(arena), byref(stack), 9, 1864136, 9, 2, 2) == (
        driver.E_ARGUMENT)
    assert library().sat_matrix_new(byref(arena), byref(matrix), 20, 9, 3, 6) == driver.E_ARGUMENT
    assert library().sat_tensor_new(byref(arena), byref(tensor), 99, 99, 32) == driver.E_FULL


# Running

def test_program_runs(backend) -> None:
    core, c = Core(backend), Builder()
    device, result = open_device(backend), driver.CResult()
    config = backend.config
    assert (device.rows, device.cols, device.interleave) == (config.rows, config.cols, config.t)
    assert device.address_bits == config.addr_w
    x = core.from_array("x", np.arange(64, dtype=np.float16).reshape(4, 16))
    one = core.from_array("one", np.eye(16, dtype=np.float16))
    y = core.tensor("y", (4, 16), FP32)
    assert c.matmul(x, one, y) == driver.OK
    address = core.reserve(4096, 128)
    assert library().sat_run(byref(device), byref(c.program), address, byref(result)) == driver.OK
    got = np.zeros((4, 16), np.float32)
    assert library().sat_read(byref(device), byref(c_tensor(y)), got.ctypes.data,
                              got.nbytes) == driver.OK
    assert np.array_equal(got, np.arange(64).reshape(4, 16))
    assert result.error == Error.NONE and not result.overflow
    assert (result.cycles > 0) == (not isinstance(backend, GoldenBackend))


def test_convolution_with_normalisation_and_pooling_runs(backend) -> None:
    """All commands over feature maps, against the same program of the Python host."""
    images = []
    for on_host in (False, True):
        core = Core(backend if not on_host else GoldenBackend(
            backend.config, memory_size=MEMORY_BYTES))
        windows = Windows.sliding(2, 5, 4, 3, 3, stride=2, pad=1)
        pooling = Windows.sliding(2, 3, 2, 2, 2)
        values = np.random.default_rng([SEED, 4])
        x = core.from_array("x", values.standard_normal((40, 12)).astype(np.float16))
        w = core.from_array("w", values.standard_normal((9 * 12, 10)).astype(np.float32))
        ff, dw = core.stack("ff", 9, (12, 10), 2, 4), core.tensor("dw", (9 * 12, 10), FP32)
        z, y, d_z = (core.tensor(name, (12, 10), FP16) for name in ("z", "y", "d_z"))
        pooled, winner = core.tensor("pooled", (4, 10), FP16), core.tensor("winner", (4, 10), INDEX)
        total, dot = (core.tensor(name, (1, 10), FP32) for name in ("total", "dot"))
        builder = core.program() if on_host else Builder(capacity=32)
        for position in range(9):
            builder.prune(w[12 * position : 12 * position + 12, :], ff=ff[position], overlap=False)
        builder.conv(x, ff, z, windows, overlap=False)
        builder.stats(z, total, dot, overlap=False)
        builder.affine(z, y, total, dot, y=z, beta=total, relu=True, overlap=False)
        builder.max_pool(y, pooled, winner, pooling, overlap=False)
        builder.max_pool_backward(pooled, winner, d_z, pooling.transposed(), overlap=False)
        builder.conv(x, d_z, dw, windows, a_trans=True, overlap=False)
        if on_host:
            core.run(builder)
        else:
            result = driver.CResult()
            assert builder.program.length == 15
            assert library().sat_run(byref(open_device(backend)), byref(builder.program),
                                     core.reserve(4096, 128), byref(result)) == driver.OK
        images.append([t.read() for t in (z, y, d_z, pooled, winner, total, dot, dw)])
    assert all(np.array_equal(got, wanted) for got, wanted in zip(*images))


def test_samples_depend_on_the_seed(backend) -> None:
    core, planes = Core(backend), []
    values = np.random.default_rng([SEED, 5]).standard_normal((32, 8)).astype(np.float16)
    d_out, chosen = core.from_array("d_out", values), core.compressed("chosen", (32, 8), 1, 4)
    device, address, c = open_device(backend), core.reserve(4096, 128), Builder()
    assert c.sample(d_out, ff=chosen, layer=3) == driver.OK
    for seed, step in ((1, 2), (1, 3), (2, 2), (1, 2)):
        assert library().sat_seed(byref(device), seed, step) == driver.OK
        assert library().sat_run(byref(device), byref(c.program), address,
                                 byref(driver.CResult())) == driver.OK
        planes.append(chosen.to_dense())
        wanted = sample(values.view(np.uint16), 1, 4, Key(seed, step, 3)).view(np.float16)
        assert np.array_equal(planes[-1], wanted)
    assert not any(np.array_equal(planes[0], other) for other in planes[1:3])


def test_error_is_decoded_and_cleared(backend) -> None:
    core, c = Core(backend), Builder()
    device, result = open_device(backend), driver.CResult()
    address = core.reserve(4096, 128)
    c.fence()
    c.fence()
    c.storage[1][0] = 99  # an opcode that does not exist
    assert library().sat_run(byref(device), byref(c.program), address,
                             byref(result)) == driver.E_CORE
    assert (result.error, result.error_index) == (Error.OPCODE, 1)
    assert result.error_address == address + 128
    assert library().sat_error_name(result.error) == b"OPCODE"
    c.program.length = 1
    assert library().sat_run(byref(device), byref(c.program), address, byref(result)) == driver.OK


def test_overflow_is_reported(backend) -> None:
    core, c = Core(backend), Builder()
    device, result = open_device(backend), driver.CResult()
    big = core.from_array("big", np.full((2, 16), 60000, np.float16))
    s = core.from_array("s", np.full((16, 8), 60000, np.float16))
    assert c.matmul(big, s, core.tensor("y", (2, 8), FP16)) == driver.OK
    assert library().sat_run(byref(device), byref(c.program), core.reserve(4096, 128),
                             byref(result)) == driver.OK
    assert result.overflow


@quick
def test_misplaced_and_empty_programs_are_refused(core: Core) -> None:
    device, c = open_device(core.backend), Builder()
    assert library().sat_start(byref(device), byref(c.program), 0) == driver.E_ARGUMENT
    c.fence()
    assert library().sat_start(byref(device), byref(c.program), 64) == driver.E_ARGUMENT


@quick
def test_what_wraps_is_refused(core: Core) -> None:
    """Addresses and sizes whose sums or products do not fit their types."""
    lib, device, c = library(), open_device(core.backend), Builder()
    c.fence()
    c.fence()
    assert lib.sat_start(byref(device), byref(c.program), (1 << 64) - 128) == driver.E_ARGUMENT
    tensor = driver.CTensor()
    for first in ((1 << 64) - 10, (1 << 64) - 64):
        arena = driver.Arena(first, (1 << 64) - 1)
        assert lib.sat_tensor_new(byref(arena), byref(tensor), 1, 64, 16) == driver.E_FULL
    wide = driver.CTensor(core.backend.memory_base, 1, 1 << 27, 64, 32)  # a row of 2^32 bits
    for access in (lib.sat_read, lib.sat_write):
        assert access(byref(device), byref(wide), None, 0) == driver.E_ARGUMENT


@quick
def test_names_of_errors_are_those_of_the_specification() -> None:
    for error in Error:
        assert library().sat_error_name(int(error)).decode() == error.name
    assert library().sat_error_name(200) == b"unknown"


@quick
def test_failing_hal_is_reported(core: Core) -> None:
    device, c, result = open_device(core.backend), Builder(), driver.CResult()
    c.fence()
    hal = device.callbacks
    for name, status in (("write_register", driver.E_IO), ("read_register", driver.E_IO),
                         ("write_memory", driver.E_IO)):
        broken = driver.Hal.from_buffer_copy(hal)
        setattr(broken, name, type(getattr(hal, name))(lambda *_: 1))
        device.hal = broken
        assert library().sat_run(byref(device), byref(c.program),
                                 core.backend.memory_base, byref(result)) == status
        assert (library().sat_open(byref(driver.Device()), byref(broken)) == driver.E_IO) == (
            name != "write_memory")


@quick
def test_program_that_never_ends_times_out(core: Core) -> None:
    device, c, result = open_device(core.backend), Builder(), driver.CResult()
    c.fence()
    reads = device.callbacks.read_register

    def never_done(context, offset, value):
        status = reads(context, offset, value)
        if offset == Reg.IRQ_STATUS:
            value[0] = 0
        return status

    hal = device.callbacks
    device.hal = driver.Hal(None, driver.READ_REGISTER(never_done), hal.write_register,
                            hal.read_memory, hal.write_memory,
                            driver.WAIT(lambda _: driver.E_TIMEOUT))
    assert library().sat_run(byref(device), byref(c.program), core.backend.memory_base,
                             byref(result)) == driver.E_TIMEOUT
    device.hal.wait = driver.WAIT(lambda _: 1)  # which is no timeout
    assert library().sat_run(byref(device), byref(c.program), core.backend.memory_base,
                             byref(result)) == driver.E_IO


@quick
@pytest.mark.parametrize("failure", [driver.E_TIMEOUT, 1])
def test_registers_decide_after_a_wait_that_failed(core: Core, failure: int) -> None:
    """The program ends, but its interrupt is lost."""
    device, c, result = open_device(core.backend), Builder(), driver.CResult()
    c.fence()
    reads, done = device.callbacks.read_register, []

    def done_when_it_waited(context, offset, value):
        status = reads(context, offset, value)
        if offset == Reg.IRQ_STATUS and not done:
            value[0] = 0
        return status

    hal = device.callbacks
    device.hal = driver.Hal(None, driver.READ_REGISTER(done_when_it_waited), hal.write_register,
                            hal.read_memory, hal.write_memory,
                            driver.WAIT(lambda _: done.append(True) or failure))
    assert library().sat_run(byref(device), byref(c.program), core.backend.memory_base,
                             byref(result)) == driver.OK
    assert done == [True]


@quick
def test_foreign_hardware_is_refused(core: Core) -> None:
    device, hal = driver.Device(), driver.backend_hal(core.backend)
    hal.read_register = driver.READ_REGISTER(lambda _, __, value: value.__setitem__(0, 7) or 0)
    assert library().sat_open(byref(device), byref(hal)) == driver.E_ID


# Linux and bare metal, on files that stand for devices

def register_page(**values: int) -> bytes:
    page = bytearray(4096)
    for name, value in values.items():
        struct.pack_into("<I", page, Reg[name], value)
    return bytes(page)


def check_hal(hal: driver.Hal, base: int, registers) -> None:
    """Registers and memory through a HAL reach the files, and nothing outside the window."""
    value = ctypes.c_uint32()
    assert hal.read_register(hal.context, Reg.ID, byref(value)) == 0 and value.value == ID_VALUE
    assert hal.write_register(hal.context, Reg.SCRATCH, 0x12345678) == 0
    assert struct.unpack_from("<I", registers(), Reg.SCRATCH)[0] == 0x12345678
    data = (ctypes.c_ubyte * 100)(*range(100))
    back = (ctypes.c_ubyte * 100)()
    assert hal.write_memory(hal.context, base + 4000, data, 100) == 0
    assert hal.read_memory(hal.context, base + 4000, back, 100) == 0
    assert bytes(back) == bytes(data)


@quick
def test_uio_reaches_registers_and_memory(tmp_path: Path) -> None:
    (tmp_path / "uio").write_bytes(register_page(ID=ID_VALUE))
    (tmp_path / "memory").write_bytes(bytes(8192))
    host = driver.LinuxHost()
    assert library().sat_uio_open(byref(host), bytes(tmp_path / "uio"), bytes(tmp_path / "memory"),
                                  0, 0x80000000, 8192) == driver.OK
    hal = library().sat_linux_hal(byref(host))
    check_hal(hal, 0x80000000, (tmp_path / "uio").read_bytes)
    assert (tmp_path / "memory").read_bytes()[4000:4100] == bytes(range(100))
    one = (ctypes.c_ubyte * 1)()
    for address in (0x80000000 - 1, 0x80000000 + 8192):
        assert hal.read_memory(hal.context, address, one, 1) != 0
        assert hal.write_memory(hal.context, address, one, 1) != 0
    library().sat_linux_close(byref(host))
    assert library().sat_uio_open(byref(host), b"/nonexistent", bytes(tmp_path / "memory"), 0, 0,
                                  8192) == driver.E_IO


@quick
def test_xdma_reaches_registers_memory_and_interrupt(tmp_path: Path) -> None:
    import os

    (tmp_path / "xdma0_user").write_bytes(register_page(ID=ID_VALUE, IRQ_ENABLE=3))
    (tmp_path / "xdma0_h2c_0").write_bytes(bytes(8192))
    (tmp_path / "xdma0_c2h_0").symlink_to("xdma0_h2c_0")  # both are the card's memory
    os.mkfifo(tmp_path / "xdma0_events_0")
    host = driver.LinuxHost()
    lib = library()
    writer = os.open(tmp_path / "xdma0_events_0", os.O_RDWR)  # so that the driver's open returns
    try:
        assert lib.sat_xdma_open(byref(host), bytes(tmp_path / "xdma0")) == driver.OK
        hal = lib.sat_linux_hal(byref(host))
        check_hal(hal, 0, (tmp_path / "xdma0_user").read_bytes)
        host.timeout_ms = 20
        assert hal.wait(hal.context) == driver.E_TIMEOUT  # nothing came
        host.timeout_ms = 10000

        def interrupt() -> None:
            host.registers[Reg.IRQ_STATUS // 4] = 1
            os.write(writer, struct.pack("<I", 1))

        timer = threading.Timer(0.05, interrupt)
        timer.start()
        assert hal.wait(hal.context) == 0
        timer.join()
        assert hal.wait(hal.context) == 0  # it has come already
        lib.sat_linux_close(byref(host))
    finally:
        os.close(writer)


@quick
def test_mmio_reaches_registers_and_memory() -> None:
    registers = ctypes.create_string_buffer(register_page(ID=ID_VALUE), 4096)
    memory = ctypes.create_string_buffer(8192)
    mmio = driver.Mmio(ctypes.addressof(registers), ctypes.addressof(memory), 0x1000, 8192)
    hal = library().sat_mmio_hal(byref(mmio))
    check_hal(hal, 0x1000, lambda: registers.raw)
    one = (ctypes.c_ubyte * 1)()
    assert hal.read_memory(hal.context, 0xFFF, one, 1) != 0
    assert hal.write_memory(hal.context, 0x1000 + 8192, one, 1) != 0
