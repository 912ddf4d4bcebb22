# SPDX-License-Identifier: Apache-2.0
"""The bits of every function are the same whatever floating-point mode another library left."""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from sat_golden import (
    CommandModel,
    Descriptor,
    Memory,
    Slot,
    Windows,
    affine,
    compress_ff,
    conv,
    fp_mode,
    kernel,
    layers,
    matmul,
    max_pool,
    max_pool_backward,
    prune,
    stats,
    stimulus,
    update,
    vector,
)
from sat_golden.arguments import fp32
from sat_golden.defs import Opcode, UpdateFlag
from sat_golden.multiply import epilogue

# Where fenv_t holds the control bits that C has no name for, and the bits that flush subnormals.
FLUSH = {"x86_64": (28, 0x8040), "aarch64": (0, 1 << 24), "arm64": (0, 1 << 24)}
ROUND = {"x86_64": {"down": 0x400, "up": 0x800, "to zero": 0xC00},
         "aarch64": {"up": 0x400000, "down": 0x800000, "to zero": 0xC00000}}
ROUND["arm64"] = ROUND["aarch64"]
MACHINE = platform.machine()
MODES = ["flush", "up", "down", "to zero"]

pytestmark = pytest.mark.skipif(MACHINE not in FLUSH or sys.platform == "win32",
                                reason=f"how to set the mode of {MACHINE} is not known here")


@contextmanager
def mode(name: str) -> Iterator[None]:
    """What a library might have done to this thread. It has an effect, and is still there behind.
    """
    library = fp_mode.libm()
    before, changed = (ctypes.create_string_buffer(fp_mode.ENV_BYTES) for _ in range(2))
    library.fegetenv(before)
    try:
        if name == "flush":
            library.fegetenv(changed)
            offset, bits = FLUSH[MACHINE]
            word = ctypes.c_uint32.from_buffer(changed, offset)
            word.value |= bits
            library.fesetenv(changed)
        else:
            library.fesetround(ROUND[MACHINE][name])
        assert signature() == SIGNATURES[name], "the mode has been set"
        yield
        assert signature() == SIGNATURES[name], "the mode has been restored"
    finally:
        library.fesetenv(before)


def signature() -> tuple[bool, ...]:
    """Whether numpy flushes a subnormal, and whether it rounds +-1 +- a little to something else.
    """
    least, half = np.float32([2.0**-126]), np.float32([0.5])
    sums = np.float32([1, 1, -1, -1]) + np.float32([2.0**-30, -(2.0**-30)] * 2)
    return bool((least * half == 0).all()), *(np.abs(sums) != 1).tolist()


SIGNATURES = {"flush": (True, False, False, False, False),
              "up": (False, True, False, True, False),
              "down": (False, False, True, False, True),
              "to zero": (False, False, True, True, False)}

RNG = np.random.default_rng(12)
SINGLES = stimulus.special_pairs(stimulus.FP32_SPECIALS)
TIES = stimulus.near_tie_additions(RNG, 2000)
HALVES = stimulus.near_tie_halves(RNG, 2000)
PRODUCTS = stimulus.near_tie_products(RNG, 2000)
A, S = (stimulus.ordinary_fp16(RNG, shape) for shape in ((9, 40), (40, 12)))
TINY = RNG.integers(1, 16, (21, 40), np.uint16) | RNG.choice(np.uint16([0, 0x8000]), (21, 40))
SMALL = RNG.integers(0, 0x0100_0000, (21, 13), np.uint32)  # subnormals and the least normals
PLANES = compress_ff(S, 2, 8)
MASK = RNG.integers(0, 1 << 16, (21, 13), np.uint16)
WINDOWS = Windows.sliding(1, 3, 3, 2, 2)
MAP = stimulus.ordinary_fp16(RNG, (1024, 60))  # so large that a double rounding is met
ALPHA = stimulus.ordinary_fp32(RNG, (1, 60))
BACK = Windows.sliding(1, 32, 32, 4, 4, pad=2)
WINNER = RNG.integers(0, 16, MAP.shape, np.uint8)
WEIGHTS = [(RNG.standard_normal(shape) * size).astype(np.float32).view(np.uint32)
           for shape, size in (((40, 16), 0.2), ((16, 4), 1e-16))]
SCALARS = {"inv_scale": 0x3F000001, "momentum": 0x3F666666, "lr": 0x3D4CCCCD, "decay": 0x38D1B717}


def train() -> tuple:
    """Two steps of a network whose weights are so small that some products are subnormal."""
    net = layers.MlpBdwp([layers.LinearBdwp(w, 2, m) for w, m in zip(WEIGHTS, (8, 2))])
    for _ in range(2):
        inputs, logits = net.forward(A)
        net.step(inputs, net.backward(inputs, logits.astype(np.uint16) & 0xBFFF), **SCALARS)
    return (logits, *(layer.weights for layer in net.layers),
            *(layer.velocity for layer in net.layers))


def run_update() -> np.ndarray:
    """An UPDATE in the memory of a command model."""
    base = 0x1_0000
    memory = Memory(base, 0x4000)
    slots = {number: Slot(base + 0x1000 * (number + 1), 64) for number in range(3)}
    for slot in slots.values():
        memory.data[slot.address - base :][: 64 * 21].view(np.uint32)[:] = np.resize(SMALL, 336)
    desc = Descriptor(Opcode.UPDATE, 2, 2, flags=UpdateFlag.DECAY, rows=21, cols=13, slots=slots,
                      **SCALARS)
    memory.load(base, desc.pack())
    assert CommandModel(memory).run(base, 1).completed == 1
    return memory.data


CASES = {
    "fp32_add": lambda: [vector.fp32_add(*pair) for pair in (SINGLES, TIES)],
    "fp32_sub": lambda: [vector.fp32_sub(*pair) for pair in (SINGLES, TIES)],
    "fp32_mul": lambda: [vector.fp32_mul(*pair) for pair in (SINGLES, PRODUCTS)],
    "fp32_to_fp16": lambda: [vector.fp32_to_fp16(bits)
                             for bits in (SINGLES[0], SMALL, HALVES)],
    "fp16_to_fp32": lambda: [vector.fp16_to_fp32(stimulus.ALL_FP16)],
    "fp32_relu": lambda: [vector.fp32_relu(bits) for bits in (SINGLES[0], SMALL)],
    "fp16_widen": lambda: [vector.fp16_widen(stimulus.ALL_FP16)],
    "matmul": lambda: [matmul(a, S, out_fp32=single) for a in (A, TINY) for single in (0, 1)],
    "matmul N:M": lambda: [matmul(a, PLANES.values, PLANES.indices, 2, 8) for a in (A, TINY)],
    "epilogue": lambda: [epilogue(SMALL, SMALL[0], SMALL[::-1], relu, MASK, True)
                         for relu in (False, True)],
    "conv": lambda: [conv(a, WINDOWS, S, out_fp32=True) for a in (A[:, :10], TINY[:9, :10])],
    "prune": lambda: [planes.values for planes in (prune(SMALL, 2, 8).ff, prune(SMALL, 1, 4).bp)],
    "update": lambda: update(SMALL, SMALL[::-1], SMALL[:, ::-1], **SCALARS),
    "UPDATE": lambda: [run_update()],
    "affine": lambda: [affine(MAP, ALPHA, ALPHA[:, ::-1]),
                       affine(MAP, ALPHA, ALPHA, y=MAP[::-1], beta=ALPHA, relu=True)],
    "stats": lambda: [*stats(A), *stats(TINY[:9], A), *stats(TINY)],
    "max_pool": lambda: max_pool(TINY[:9], WINDOWS),
    "max_pool_backward": lambda: [max_pool_backward(MAP, WINNER, BACK)],
    "training": train,
    "scalars": lambda: [fp32(value) for value in (1e-40, 0.1, 1 / 3, -1e-39)],
}


def as_bytes(results) -> list:
    return [x.tobytes() if isinstance(x, np.ndarray) else x for x in results]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("case", CASES)
def test_bits_do_not_depend_on_the_mode(case, name, compiled):
    with kernel.using(None):
        expected = as_bytes(CASES[case]())
    if compiled and kernel.library() is None:
        pytest.skip("no compiled kernel")
    with kernel.using(kernel.library() if compiled else None), mode(name):
        got = as_bytes(CASES[case]())
    assert got == expected


@pytest.mark.parametrize("name", MODES)
def test_the_mode_is_seen_and_restored_after_an_exception(name):
    assert fp_mode.is_default()
    with mode(name):
        assert not fp_mode.is_default()
        with pytest.raises(KeyError), fp_mode.exact():
            assert fp_mode.is_default()
            with fp_mode.exact():
                assert fp_mode.is_default()
            raise KeyError
        assert not fp_mode.is_default()
    assert fp_mode.is_default()


@pytest.mark.parametrize("name", MODES)
def test_where_it_cannot_be_set_arithmetic_is_refused(name, monkeypatch):
    with mode(name), monkeypatch.context() as patch:
        patch.setattr(fp_mode, "libm", lambda: None)
        with pytest.raises(RuntimeError, match="^floating-point mode: "):
            vector.fp32_add(*SINGLES)
