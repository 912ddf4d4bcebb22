# SPDX-License-Identifier: Apache-2.0
"""Whatever a caller passes that cannot be: an error that begins with the argument's name."""

from dataclasses import replace

import numpy as np
import pytest

from sat_golden import (
    CommandModel,
    Descriptor,
    ErrorRegion,
    Memory,
    Planes,
    Slot,
    Windows,
    affine,
    compress_ff,
    conv,
    decompress,
    max_pool,
    nm_select,
    prune,
    stats,
    unpack_indices,
    update,
)
from sat_golden.defs import Opcode

HALVES, WORDS = np.zeros((8, 4), np.uint16), np.zeros((8, 4), np.uint32)
SCALARS = {"inv_scale": 0, "momentum": 0, "lr": 0}
WINDOWS = Windows.sliding(2, 2, 2, 1, 1)


def sliding(**wrong) -> Windows:
    sizes = {"images": 1, "map_h": 9, "map_w": 9, "kernel_h": 3, "kernel_w": 3}
    return Windows.sliding(**sizes | wrong)


def run(**wrong) -> None:
    CommandModel(Memory(0, 128)).run(**{"prog_addr": 0, "prog_len": 1} | wrong)


def desc(**fields) -> bytes:
    return replace(Descriptor(Opcode.AFFINE, rows=1, cols=1), **fields).pack()


WRONG = {
    **{f"sliding {name} {value}": (name, lambda name=name, value=value: sliding(**{name: value}))
       for name, values in {
           "images": (0, -1, 1 << 24, 1.0), "map_h": (0, -3, 65536), "map_w": (0, "9"),
           "kernel_h": (0, -1, 16, 2.5), "kernel_w": (0, -1, 16, None), "pad": (-1, 128, 0.5),
           "stride": (0, -1, 3, 16, 2.0), "dilation": (0, -2, 5, 1.0)}.items()
       for value in values},
    "kernel too large": ("kernel", lambda: sliding(kernel_h=12)),
    "memory base": ("base", lambda: Memory(-64, 128)),
    "memory base float": ("base", lambda: Memory(0.0, 128)),
    "memory size": ("size", lambda: Memory(0, 0)),
    "memory size unaligned": ("size", lambda: Memory(0, 100)),
    "region reversed": ("start, end", lambda: ErrorRegion(128, 64)),
    "region negative": ("start, end", lambda: ErrorRegion(-64, 64)),
    "program address": ("prog_addr", lambda: run(prog_addr=-128)),
    "program length": ("prog_len", lambda: run(prog_len=1 << 32)),
    "program length float": ("prog_len", lambda: run(prog_len=1.0)),
    "field float": ("rows", lambda: desc(rows=2.5)),
    "field": ("cols", lambda: desc(cols=65536)),
    "slot": ("slots", lambda: desc(slots={8: Slot(0, 64)})),
    "slot address": (r"slots\[0\].address", lambda: desc(slots={0: Slot(-64, 64)})),
    "slot stride": (r"slots\[2\].stride", lambda: desc(slots={2: Slot(0, 64.0)})),
    "m": ("m", lambda: compress_ff(HALVES, 1, 3)),
    "n": ("n", lambda: compress_ff(HALVES, 0, 4)),
    "m float": ("m", lambda: compress_ff(HALVES, 1, 4.0)),
    "n float": ("n", lambda: compress_ff(HALVES, 1.5, 4)),
    "select": ("n", lambda: nm_select(HALVES, 5)),
    "select m": ("m", lambda: nm_select(HALVES[:, :3], 1)),
    "planes": ("planes", lambda: decompress(Planes(HALVES, HALVES.astype(np.uint8)), 9, 2, 4)),
    "dense planes": ("planes", lambda: decompress(Planes(HALVES, None), 9, 4, 4)),
    "rows": ("rows", lambda: decompress(Planes(HALVES, None), 0, 4, 4)),
    "packed": ("packed", lambda: unpack_indices(np.zeros((2, 2), np.uint8), 5)),
    "prune floats": ("weights", lambda: prune(np.ones((4, 4), np.float32), 2, 4)),
    "prune vector": ("weights", lambda: prune(np.ones(4, np.uint32), 2, 4)),
    "lr float": ("lr", lambda: update(WORDS, WORDS, WORDS, **SCALARS | {"lr": 0.1})),
    "momentum": ("momentum", lambda: update(WORDS, WORDS, WORDS, **SCALARS | {"momentum": -1})),
    "decay": ("decay", lambda: update(WORDS, WORDS, WORDS, **SCALARS, decay=1 << 32)),
    "affine vector": ("x", lambda: affine(HALVES[0], WORDS[:1], WORDS[:1])),
    "stats of nothing": ("x", lambda: stats(HALVES[:0])),
    "conv vector": ("fmap", lambda: conv(HALVES[0], WINDOWS, HALVES)),
    "pool vector": ("x", lambda: max_pool(HALVES[0], WINDOWS)),
}


@pytest.mark.parametrize("name, call", WRONG.values(), ids=WRONG.keys())
def test_wrong_argument_is_named(name, call):
    with pytest.raises((ValueError, TypeError), match=f"^{name}: "):
        call()


def test_numpy_integers_are_integers():
    assert sliding(kernel_h=np.int64(3), pad=np.uint8(1)) == sliding(pad=1)
    assert desc(rows=np.uint16(7)) == desc(rows=7)
