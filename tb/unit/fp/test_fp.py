# SPDX-License-Identifier: Apache-2.0
"""FP units against numpy's IEEE arithmetic: specials, each FP16 pattern, near ties, random bits."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from sat.rtl import INCLUDE, needed_sources
from sat.sim.verilate import Model
from sat.sim.verilate import build as build_model
from tb.common import runner

HERE = Path(__file__).parent
SPECIALS = np.array([
    0x00000000, 0x00000001, 0x00000002, 0x003FFFFF, 0x00400000, 0x007FFFFE, 0x007FFFFF, 0x00800000,
    0x00800001, 0x00FFFFFF, 0x01000000, 0x32FFFFFF, 0x33000000, 0x33000001, 0x337FFFFF, 0x33800000,
    0x33C00000, 0x387FC000, 0x387FE000, 0x387FEFFF, 0x387FF000, 0x387FFFFF, 0x38800000, 0x3F000000,
    0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x3FFFFFFF, 0x40000000, 0x477FE000, 0x477FEFFF, 0x477FF000,
    0x47800000, 0x4B7FFFFF, 0x4B800000, 0x7EFFFFFF, 0x7F000000, 0x7F7FFFFE, 0x7F7FFFFF, 0x7F800000,
    0x7F800001, 0x7FBFFFFF, 0x7FC00000, 0x7FC00001, 0x7FFFFFFF], dtype=np.uint32)
FP32_NAN = np.uint32(0x7FC00000)


def canonical(value: np.ndarray) -> np.ndarray:
    """Bits of FP32 results, every NaN made canonical."""
    return np.where(np.isnan(value), FP32_NAN, value.view(np.uint32))


def fp32_to_fp16(bits: np.ndarray) -> np.ndarray:
    half = bits.view(np.float32).astype(np.float16)
    return np.where(np.isnan(half), np.uint16(0x7E00), half.view(np.uint16))


def widen(half: np.ndarray) -> np.ndarray:
    """{sign, exp + 25, frac} with subnormals normalised; 0 for zero, 63 for infinity and NaN."""
    magnitude = np.abs(half.view(np.float16).astype(np.float64))
    special = ~np.isfinite(magnitude)
    fraction, exponent = np.frexp(np.where(special, 0, magnitude))
    normal = (exponent.astype(np.uint32) + 24) << 10 | (fraction * 2048).astype(np.uint32) & 0x3FF
    wide = np.where(special, 63 << 10 | np.isnan(magnitude) * 0x200,
                    np.where(magnitude == 0, 0, normal))
    return (half.astype(np.uint32) >> 15) << 16 | wide.astype(np.uint32)


def acc_to_fp32(acc: np.ndarray) -> np.ndarray:
    """acc is {sign, exp[6:0], frac[22:0]}: 1.frac * 2^(exp - 49), zero when exp is 0."""
    sign, exp, frac = acc >> 30 & 1, acc >> 23 & 0x7F, acc & 0x7FFFFF
    number = np.ldexp(1 + frac / 2.0**23, exp.astype(np.int32) - 49)
    magnitude = np.where(exp == 0, 0, np.where(exp == 127, np.inf, number)).astype(np.float32)
    magnitude = np.where((exp == 127) & (frac != 0), np.float32(np.nan), magnitude)
    return np.where(np.isnan(magnitude), FP32_NAN, magnitude.view(np.uint32) | sign << 31)


def specials(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """All pairs; among them NaNs and subnormals of a single fraction bit."""
    bits = np.uint32(1) << np.arange(23, dtype=np.uint32)
    values = np.concatenate([SPECIALS, bits, bits | np.uint32(0x7F800000)])
    values = np.concatenate([values, values | np.uint32(1 << 31)])
    return np.repeat(values, values.size), np.tile(values, values.size)


def every_half(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Each 16-bit pattern in the low half; then each FP16 value as FP32, and its neighbours."""
    patterns = np.arange(1 << 16, dtype=np.uint32)
    exact = patterns.astype(np.uint16).view(np.float16).astype(np.float32).view(np.uint32)
    midway = exact + np.uint32(0x1000)
    a = np.concatenate([patterns, exact, exact - np.uint32(1), exact + np.uint32(1),
                        midway, midway - np.uint32(1), midway + np.uint32(1)])
    return a, rng.permutation(a)


def random_bits(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a, b = rng.integers(0, 1 << 32, (2, 700_000), dtype=np.uint32)
    return a, b


def near_exponents(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Exponents at most 27 apart, few fraction bits set: ties, cancellation, sticky bits."""
    count = 900_000
    exp = rng.integers(0, 256, count)
    other = np.clip(exp + rng.integers(-27, 28, count), 0, 255)
    sparse = rng.integers(0, 1 << 23, (2, count)) & rng.integers(0, 1 << 23, (2, count))
    dense = sparse | rng.integers(0, 1 << 23, (2, count))
    kind = rng.integers(0, 4, (2, count))
    tail = rng.integers(0, 1 << 23, (2, count)) >> rng.integers(0, 23, (2, count))
    frac = np.choose(kind, [sparse, dense, tail, 0x7FFFFF - tail])
    sign = rng.integers(0, 2, (2, count))
    bits = sign << 31 | np.stack([exp, other]) << 23 | frac
    return bits[0].astype(np.uint32), bits[1].astype(np.uint32)


def cancelling(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Small numbers of almost equal magnitude: each length of cancellation at each exponent at
    which the difference may be subnormal."""
    exp, place = np.mgrid[0:32, 0:24].reshape(2, -1).repeat(400, axis=1)
    a = exp << 23 | rng.integers(0, 1 << 23, exp.size)
    b = np.clip(a + rng.choice([-1, 1], exp.size) * (1 << place), 0, None) | 1 << 31
    swap = rng.random(exp.size) < 0.5
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    return a.astype(np.uint32), b.astype(np.uint32)


def product_ties(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Factors of 12 or 13 significant bits: products that end at or next to a rounding boundary."""
    count = 500_000
    exp = rng.integers(1, 255, count)
    partner = np.clip(rng.choice([0, 1, 20, 127, 254, 380], count) + rng.integers(-26, 27, count)
                      - exp + 1, 0, 254)
    frac = rng.integers(0, 1 << 13, (2, count)) << rng.integers(0, 11, (2, count))
    bits = rng.integers(0, 2, (2, count)) << 31 | np.stack([exp, partner]) << 23 | frac
    return bits[0].astype(np.uint32), bits[1].astype(np.uint32)


STIMULI = (specials, cancelling, every_half, product_ties, random_bits, near_exponents)


RECORD_BYTES = 36


def records(a: np.ndarray, b: np.ndarray) -> bytes:
    """What the C++ bench reads: operands [count] of FP32 bits, and the result of each unit."""
    # An accumulator with exponent 0 has no fraction.
    acc = np.where(a & 0x3F800000, a, a & 0x40000000).astype(np.uint32) & np.uint32(0x7FFFFFFF)
    half = (a & np.uint32(0xFFFF)).astype(np.uint16)
    with np.errstate(all="ignore"):
        columns = [a, b, acc, canonical(a.view(np.float32) + b.view(np.float32)),
                   canonical(a.view(np.float32) * b.view(np.float32)), fp32_to_fp16(a),
                   canonical(half.view(np.float16).astype(np.float32)), widen(half),
                   acc_to_fp32(acc)]
    return np.stack(columns, axis=1).astype(np.uint32).tobytes()


def build(replacements: Sequence[Path] = ()) -> Path:
    """The Verilated bench, built once per content; files replace those of rtl/fp by name."""
    header = (INCLUDE / "sat_fp.vh").read_text(encoding="utf-8")
    latencies = re.findall(r"`define (SAT_\w+_LATENCY) (\d+)", header)
    sources = needed_sources("fp_bench", [HERE / "fp_bench.v", *replacements])
    model = Model("fp_bench", tuple(sources), {}, HERE / "fp_bench.cpp", "Vfp_bench", ("-O3",),
                  ("-O2", *(f"-D{name}={value}" for name, value in latencies)))
    return build_model(model, "fp_bench")


@pytest.fixture(scope="module")
def bench() -> Path:
    return build()


@pytest.mark.parametrize("stimulus", STIMULI)
def test_fp(bench: Path, stimulus: Callable) -> None:
    seed = int(os.environ.get("SEED", runner.DEFAULT_SEED))
    a, b = stimulus(np.random.default_rng(seed))
    result = subprocess.run([bench], input=records(a, b), capture_output=True)
    report = result.stdout.decode()
    print(f"seed {seed}: {report}")
    assert result.returncode == 0 and f"checked {a.size} mismatches 0" in report, (
        f"{report}\nreplay: make unit M={__file__}::test_fp[{stimulus.__name__}] SEED={seed}")
