# SPDX-License-Identifier: Apache-2.0
"""The compiled kernel gives the bits of numpy's functions, with several processors' instructions,
and is found, built and kept as its module says."""

from __future__ import annotations

import logging
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest

from sat_golden import (
    Windows,
    affine,
    compress_ff,
    compressed_rows,
    conv,
    kernel,
    matmul,
    native,
    stats,
    stimulus,
)
from sat_golden.compress import LEGAL_M, padded_rows
from sat_golden.multiply import epilogue

ALL_NM = [(n, m) for m in LEGAL_M for n in range(1, m + 1)]


def processors() -> list[str]:
    """Ours, and those whose programs it runs: without FP16 conversion and without AVX-512."""
    if platform.machine() != "x86_64":
        return [kernel.PROCESSOR]
    found = [kernel.PROCESSOR, "-march=x86-64"]
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = next((line.split() for line in file if line.startswith("flags")), [])
    except OSError:
        return found
    return found + ["-march=haswell"] * ({"avx2", "f16c", "fma", "bmi2"} <= {*flags})


@pytest.fixture(scope="module", params=processors())
def compiled(request):
    try:
        return kernel.load(request.param)
    except native.BuildError as error:
        pytest.skip(str(error))


def same(compiled, function, *args, **kwargs) -> np.ndarray:
    """The result of both, whose bits must be equal."""
    with kernel.using(None):
        expected = function(*args, **kwargs)
    with kernel.using(compiled):
        got = function(*args, **kwargs)
    for x, y in zip(*(value if isinstance(value, tuple) else (value,)
                      for value in (got, expected))):
        assert x.dtype == y.dtype and x.shape == y.shape
        np.testing.assert_array_equal(x, y)
    return got


DRAWS = {
    "ordinary": stimulus.ordinary_fp16,
    "mixed": lambda rng, shape: stimulus.mixed_fp16(rng, shape, special=0.01),
    "any pattern": lambda rng, shape: stimulus.random_bits(rng, shape, np.uint16),
    "specials": lambda rng, shape: rng.choice(stimulus.FP16_SPECIALS, shape),
    "subnormal": lambda rng, shape: stimulus.random_bits(rng, shape, np.uint16) & 0x83FF,
}


def singles(rng, shape):
    """FP32 patterns: ordinary, special, and at FP16's ties."""
    special = rng.choice(stimulus.FP32_SPECIALS, shape)
    ties = rng.choice(stimulus.near_tie_halves(rng, 500), shape)
    return np.choose(rng.integers(0, 4, shape), [
        stimulus.ordinary_fp32(rng, shape), special, ties,
        stimulus.random_bits(rng, shape, np.uint32)]).astype(np.uint32)


def epilogue_of(rng, shape, draw) -> dict:
    """Random keyword arguments."""
    single = bool(rng.integers(2))
    drawn = {
        "bias": singles(rng, shape[1:]),
        "residual": singles(rng, shape) if single else draw(rng, shape),
        "mask": stimulus.mixed_fp16(rng, shape, special=0.5),
    }
    return {name: value for name, value in drawn.items() if rng.integers(2)} | {
        "relu": bool(rng.integers(2)), "out_fp32": single}


def planes_of(rng, depth, cols, n, m, draw) -> dict:
    """Any planes are a legal operand, compressed weights or not."""
    rows = compressed_rows(depth, n, m)
    return {"s_values": draw(rng, (rows, cols)), "n": n, "m": m,
            "s_indices": None if n == m else rng.integers(0, 256, (rows, cols)).astype(np.uint8)}


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("n, m", ALL_NM)
def test_matmul(compiled, n, m, draw):
    rng = np.random.default_rng([n, m, [*DRAWS].index(draw)])
    for a_trans, odd in product((False, True), repeat=2):
        i, j, k = (int(x) for x in rng.integers(1, 90 if odd else 12, 3))
        a = DRAWS[draw](rng, (k, i) if a_trans else (i, k))
        same(compiled, matmul, a, a_trans=a_trans, **planes_of(rng, k, j, n, m, DRAWS[draw]),
             **epilogue_of(rng, (i, j), DRAWS[draw]))


@pytest.mark.parametrize("a_trans", [False, True])
@pytest.mark.parametrize("n, m", [(8, 8), (2, 8), (3, 16), (1, 2)])
def test_matmul_across_blocks(compiled, n, m, a_trans):
    """Sizes beyond a block of the kernel along each side, and views instead of dense matrices."""
    rng = np.random.default_rng([n, m, a_trans])
    i, j, k = 150, 530, 531
    a = stimulus.mixed_fp16(rng, (k, i) if a_trans else (i, k), special=1e-4)
    planes = planes_of(rng, k, j, n, m, stimulus.ordinary_fp16)
    for view in (a, np.asfortranarray(a), np.repeat(a, 2, axis=1)[:, ::2],
                 np.repeat(a, 2, axis=0)[::2]):
        same(compiled, matmul, view, a_trans=a_trans, out_fp32=True, **planes)


@pytest.mark.parametrize("seed", range(40))
def test_conv(compiled, seed):
    """Any windows that a descriptor can say, over maps with special values."""
    rng = np.random.default_rng(seed)
    windows = Windows(*(int(x) for x in rng.integers(1, 7, 7)),
                      *(int(x) for x in rng.integers(0, 3, 3)),
                      *(int(x) for x in rng.integers(0, 9, 2)))
    n, m = ALL_NM[seed * 7 % len(ALL_NM)]
    draw = [*DRAWS.values()][seed % len(DRAWS)]
    channels, cols = (int(x) for x in rng.integers(1, 40, 2))
    for a_trans in (False, True):
        depth = windows.count if a_trans else windows.positions * padded_rows(channels, n, m)
        shape = (windows.positions * channels if a_trans else windows.count), cols
        same(compiled, conv, draw(rng, (windows.pixels, channels)), windows, a_trans=a_trans,
             **planes_of(rng, depth, cols, n, m, draw), **epilogue_of(rng, shape, draw))


@pytest.mark.parametrize("seed", range(20))
def test_epilogue(compiled, seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(x) for x in rng.integers(1, 50, 2))
    same(compiled, epilogue, singles(rng, shape),
         **epilogue_of(rng, shape, DRAWS["any pattern"]))


def test_a_bias_for_each_row(compiled):
    rng = np.random.default_rng(1)
    acc, bias = singles(rng, (6, 4)), singles(rng, (6, 4))
    rows = [epilogue(acc[r : r + 1], bias[r]) for r in range(6)]
    assert np.array_equal(same(compiled, epilogue, acc, bias), np.concatenate(rows))


def test_fp16_conversions(compiled):
    """All of FP16 to FP32, as a residual of -0; and halves next to ties and specials to FP16."""
    every = stimulus.ALL_FP16.reshape(1, -1)
    zero = np.full(every.shape, 0x8000_0000, np.uint32)
    assert np.isnan(same(compiled, epilogue, zero, residual=every).view(np.float16)).sum() == 2046
    rng = np.random.default_rng(3)
    for bits in (stimulus.near_tie_halves(rng, 40_000), stimulus.FP32_SPECIALS,
                 stimulus.random_bits(rng, 400_000, np.uint32)):
        same(compiled, epilogue, bits.reshape(1, -1))


@pytest.mark.parametrize("draw", DRAWS)
def test_affine(compiled, draw):
    rng = np.random.default_rng([*DRAWS].index(draw))
    for relu, two, _ in product((False, True), (False, True), range(4)):
        shape = tuple(int(x) for x in rng.integers(1, 40, 2))
        x, y = (DRAWS[draw](rng, shape) for _ in range(2))
        alpha, beta, gamma = (singles(rng, (1, shape[1])) for _ in range(3))
        same(compiled, affine, x, alpha, gamma, relu=relu,
             **{"y": y, "beta": beta} if two else {})


@pytest.mark.parametrize("draw", DRAWS)
def test_stats(compiled, draw):
    rng = np.random.default_rng([*DRAWS].index(draw))
    for rows in (1, 7, kernel.STATS_ROWS, 2 * kernel.STATS_ROWS + 5):
        x, y = (DRAWS[draw](rng, (rows, 11)) for _ in range(2))
        same(compiled, stats, x)
        same(compiled, stats, x, y)


def test_stats_lose_nothing(compiled):
    """The largest sums that a block can have, of one sign, with the least terms among them."""
    largest, least = 0x7BFF, 0x0001
    for pair in ((largest, largest), (largest, 0xFBFF), (largest, least)):
        x = np.full((kernel.STATS_ROWS + 3, 2), pair, np.uint16)
        same(compiled, stats, x, x[:, ::-1])


@pytest.mark.skipif(len(processors()) < 3, reason="this processor is not known to have FMA")
def test_a_kernel_that_fuses_what_it_must_not_is_found_out(monkeypatch):
    rng = np.random.default_rng(5)
    x, scales = stimulus.ordinary_fp16(rng, (500, 40)), stimulus.ordinary_fp32(rng, (2, 1, 40))
    monkeypatch.setattr(kernel, "FLAGS", (*kernel.FLAGS, "-ffp-contract=fast"))
    try:
        fusing = kernel.load("-march=haswell")
    except native.BuildError as error:
        pytest.skip(str(error))
    with pytest.raises(AssertionError):
        same(fusing, affine, x, *scales)


def test_weights_as_the_network_has_them(compiled):
    rng = np.random.default_rng(9)
    a, weights = stimulus.ordinary_fp16(rng, (65, 64)), stimulus.ordinary_fp16(rng, (64, 48))
    for n, m in ALL_NM:
        planes = compress_ff(weights, n, m)
        same(compiled, matmul, a, planes.values, planes.indices, n, m)


# How it is found, built and kept


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache, and nothing looked for yet."""
    monkeypatch.setenv("SAT_CACHE", str(tmp_path))
    monkeypatch.delenv("SAT_KERNEL", raising=False)
    kernel.found.cache_clear()
    yield monkeypatch
    kernel.found.cache_clear()


@pytest.fixture
def with_compiler(fresh):
    try:
        native.compiler()
    except native.BuildError as error:
        pytest.skip(str(error))
    return fresh


def test_it_is_built_once(with_compiler, tmp_path):
    kernel.load()
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    kernel.load()
    assert [p.stat().st_mtime_ns for p in tmp_path.iterdir()] == [before]


def test_another_source_is_another_kernel(with_compiler, tmp_path):
    kernel.load()
    changed = tmp_path / "kernel.cpp"
    changed.write_bytes(kernel.SOURCE.read_bytes() + b"// other\n")
    with_compiler.setattr(kernel, "SOURCE", changed)
    kernel.load()
    assert len(list(tmp_path.glob("golden-kernel-*.so"))) == 2


def test_many_build_it_at_once(with_compiler, tmp_path):
    """Threads of this process, and other processes."""
    code = "from sat_golden import kernel; kernel.load()"
    others = [subprocess.Popen([sys.executable, "-c", code], cwd=kernel.SOURCE.parents[1])
              for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda _: kernel.load(), range(2)))
    assert [other.wait() for other in others] == [0, 0]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("named, said", [
    ("no-such-compiler", "no-such-compiler"), ("false", "false"), ("'", "CXX: ")])
def test_without_a_compiler_one_line_says_so(fresh, caplog, named, said):
    fresh.setenv("CXX", named)
    with caplog.at_level(logging.WARNING):
        assert kernel.library() is None and kernel.library() is None
    (record,) = caplog.records
    assert "numpy" in record.getMessage() and said in record.getMessage()
    assert "\n" not in record.getMessage()


def test_no_compiler_at_all(fresh, caplog):
    fresh.setenv("CXX", "")
    fresh.setenv("PATH", "")
    with caplog.at_level(logging.WARNING):
        assert kernel.library() is None
    assert "install g++" in caplog.text


def test_a_cache_that_cannot_be_written_is_no_kernel(fresh, tmp_path):
    """A file in place of the folder: root may write everywhere else."""
    (tmp_path / "file").touch()
    fresh.setenv("SAT_CACHE", str(tmp_path / "file"))
    with pytest.raises(native.BuildError, match="file"):
        kernel.load()


def test_the_choice(fresh):
    fresh.setenv("SAT_KERNEL", "numpy")
    assert kernel.library() is None
    kernel.found.cache_clear()
    fresh.setenv("SAT_KERNEL", "fast")
    with pytest.raises(ValueError, match="^SAT_KERNEL: 'fast' is not one of numpy, compiled"):
        kernel.library()
    fresh.setenv("SAT_KERNEL", "compiled")
    fresh.setenv("CXX", "no-such-compiler")
    with pytest.raises(native.BuildError):
        kernel.library()
