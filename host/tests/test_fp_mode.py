# SPDX-License-Identifier: Apache-2.0
"""What the host computes of a training has the same bits whatever direction of rounding another
library left."""

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from sat.backends import GoldenBackend
from sat.core import Core
from sat.nn import cross_entropy, mean_squared
from sat.nn.layers import normal_weights
from sat_golden import fp_mode

# What C's fesetround takes.
UP = {"x86_64": 0x800, "aarch64": 0x400000, "arm64": 0x400000}
DOWN = {"x86_64": 0x400, "aarch64": 0x800000, "arm64": 0x800000}
MACHINE = platform.machine()

pytestmark = pytest.mark.skipif(MACHINE not in UP or sys.platform == "win32",
                                reason=f"how to set the mode of {MACHINE} is not known here")

RNG = np.random.default_rng(7)
LOGITS, LABELS = RNG.standard_normal((64, 10)).astype(np.float32), RNG.integers(0, 10, 64)
Y, TARGET = RNG.standard_normal((2, 30, 40)).astype(np.float16)


@contextmanager
def rounding(direction: int) -> Iterator[None]:
    library = fp_mode.libm()
    assert library is not None
    before = library.fegetround()
    assert library.fesetround(direction) == 0 and not fp_mode.is_default()
    try:
        yield
        assert library.fegetround() == direction, "the mode has been restored"
    finally:
        library.fesetround(before)


def run_cross_entropy(function=cross_entropy) -> list[np.ndarray]:
    loss = function(LOGITS, LABELS, 1024.0)
    return [np.float64(loss.value), loss.gradient]


def run_mean_squared(unwrap=lambda function: function) -> list[np.ndarray]:
    value, gradient = unwrap(mean_squared(TARGET))(Y)
    return [np.float64(value), gradient]


def run_normal_weights(function=normal_weights) -> list[np.ndarray]:
    with GoldenBackend(memory_size=1 << 20) as backend:
        return [function(Core(backend), "w", 100, 60, 2.0, np.random.default_rng(3)).read()]


# What is computed, and the same without the mode set.
CASES = {
    "cross_entropy": (run_cross_entropy, lambda: run_cross_entropy(cross_entropy.__wrapped__)),
    "mean_squared": (run_mean_squared, lambda: run_mean_squared(lambda loss: loss.__wrapped__)),
    "normal_weights": (run_normal_weights, lambda: run_normal_weights(normal_weights.__wrapped__)),
}


def as_bytes(arrays: list[np.ndarray]) -> list[bytes]:
    return [array.tobytes() for array in arrays]


@pytest.mark.parametrize("direction", [UP, DOWN], ids=["up", "down"])
@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_the_mode(case, direction):
    run, run_unguarded = CASES[case]
    expected = as_bytes(run())
    assert as_bytes(run_unguarded()) == expected
    with rounding(direction[MACHINE]):
        got, unguarded = as_bytes(run()), as_bytes(run_unguarded())
    assert got == expected
    assert unguarded != expected, "the mode matters to what is computed"
