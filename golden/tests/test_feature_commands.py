# SPDX-License-Identifier: Apache-2.0
"""Convolutions, AFFINE, STATS and POOL as programs in a memory image."""

from dataclasses import replace

import numpy as np
import pytest

from sat_golden import (
    CommandModel,
    Descriptor,
    ErrorRegion,
    Memory,
    Slot,
    Windows,
    affine,
    aligned,
    conv,
    matmul,
    max_pool,
    max_pool_backward,
    stats,
    stimulus,
)
from sat_golden.defs import (
    AffineFlag,
    AffineSlot,
    Error,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolFlag,
    PoolSlot,
    StatsFlag,
    StatsSlot,
)
from sat_golden.operands import NIBBLE, SINGLE
from sat_golden.tensors import tensors_of

BASE = 0x10_0000
SIZE = 1 << 19
DATA = BASE + 0x1000
WINDOWS = Windows.sliding(2, 7, 6, 3, 3, stride=2, pad=1, dilation=1)
CHANNELS, COLS = 11, 5


class Bench:
    """A command with tensors of any numbers that lie one behind the other, and what it did."""

    def __init__(self, desc: Descriptor, seed: int = 1):
        rng = np.random.default_rng(seed)
        self.memory = Memory(BASE, SIZE, stimulus.random_bits(rng, SIZE, np.uint8))
        at, slots = DATA, {}
        for tensor in tensors_of(desc):
            stride = 0 if tensor.vector else aligned(tensor.row_bytes) + 64 * int(rng.integers(2))
            slots[tensor.slot] = Slot(at, stride)
            at += max(tensor.rows * stride, aligned(tensor.row_bytes)) + 64
        self.desc = replace(desc, slots=slots)
        self.tensors = {tensor.slot: tensor for tensor in tensors_of(self.desc)}
        self.inputs = {}
        for number, tensor in self.tensors.items():
            if tensor.read:
                shape = tensor.rows, tensor.cols
                self.inputs[number] = (
                    rng.integers(0, 16, shape).astype(np.uint8) if tensor.bits == NIBBLE
                    else stimulus.ordinary_fp32(rng, shape) if tensor.bits == SINGLE
                    else stimulus.mixed_fp16(rng, shape, 0.01))
                self.memory.write(tensor, self.inputs[number])

    def run(self) -> dict[int, np.ndarray]:
        """Slot -> what was written there, and nowhere else."""
        self.memory.load(BASE, self.desc.pack())
        before = self.memory.data.copy()
        self.result = CommandModel(self.memory).run(BASE, 1)
        assert (self.result.code, self.result.completed) == (Error.NONE, 1)
        changed = before != self.memory.data
        for start, end in self.result.output_ranges():
            changed[start - BASE : end - BASE] = False
        assert not changed.any()
        return {number: self.memory.read(tensor) for number, tensor in self.tensors.items()
                if tensor.written}


@pytest.mark.parametrize("n, m", [(2, 8), (3, 4), (8, 8)])
@pytest.mark.parametrize("a_trans", [False, True])
def test_convolution(n, m, a_trans):
    flags = (MatmulFlag.CONV | MatmulFlag.BIAS | MatmulFlag.RESIDUAL | MatmulFlag.RELU
             | MatmulFlag.MASK | 2 << 8 | MatmulFlag.A_TRANS * a_trans)
    bench = Bench(Descriptor(Opcode.MATMUL, n, m, flags=flags, cols=COLS, depth=CHANNELS,
                             **WINDOWS.fields()))
    x = bench.inputs
    expected = conv(x[MatmulSlot.A], WINDOWS, x[MatmulSlot.S_VALUES],
                    x.get(MatmulSlot.S_INDICES), n, m, a_trans=a_trans, relu=True,
                    bias=x[MatmulSlot.BIAS], residual=x[MatmulSlot.RESIDUAL],
                    mask=x[MatmulSlot.MASK])
    assert (bench.run()[MatmulSlot.C] == expected).all()


def test_a_kernel_of_one_is_a_matrix_product():
    windows = Windows.sliding(2, 4, 5, 1, 1)
    bench = Bench(Descriptor(Opcode.MATMUL, 2, 4, flags=MatmulFlag.CONV, cols=COLS,
                             depth=CHANNELS, **windows.fields()))
    expected = matmul(*(bench.inputs[number] for number in range(3)), 2, 4)
    assert (bench.run()[MatmulSlot.C] == expected).all()


@pytest.mark.parametrize("flags", [0, AffineFlag.SECOND, AffineFlag.SECOND | AffineFlag.RELU])
def test_affine(flags):
    bench = Bench(Descriptor(Opcode.AFFINE, flags=flags, rows=23, cols=CHANNELS))
    x = bench.inputs
    expected = affine(x[AffineSlot.X], x[AffineSlot.ALPHA], x[AffineSlot.GAMMA],
                      y=x.get(AffineSlot.Y), beta=x.get(AffineSlot.BETA),
                      relu=bool(flags & AffineFlag.RELU))
    assert (bench.run()[AffineSlot.OUT] == expected).all()


@pytest.mark.parametrize("shared", [AffineSlot.X, AffineSlot.Y])
def test_affine_in_place(shared):
    bench = Bench(Descriptor(Opcode.AFFINE, flags=AffineFlag.SECOND, rows=9, cols=CHANNELS))
    expected = bench.run()[AffineSlot.OUT]
    slots = bench.desc.slots
    bench.desc = replace(bench.desc, slots=slots | {AffineSlot.OUT: slots[shared]})
    bench.tensors[AffineSlot.OUT] = replace(bench.tensors[shared], read=False, written=True)
    assert (bench.run()[AffineSlot.OUT] == expected).all()


@pytest.mark.parametrize("flags", [0, StatsFlag.SECOND])
def test_stats(flags):
    bench = Bench(Descriptor(Opcode.STATS, flags=flags, rows=77, cols=CHANNELS))
    expected = stats(bench.inputs[StatsSlot.X], bench.inputs.get(StatsSlot.Y))
    got = bench.run()
    assert (got[StatsSlot.SUM] == expected[0]).all() and (got[StatsSlot.DOT] == expected[1]).all()


def test_stats_of_a_matrix_with_itself():
    bench = Bench(Descriptor(Opcode.STATS, flags=StatsFlag.SECOND, rows=77, cols=CHANNELS))
    slots = bench.desc.slots
    bench.desc = replace(bench.desc, slots=slots | {StatsSlot.Y: slots[StatsSlot.X]})
    total, dot = stats(bench.inputs[StatsSlot.X])
    got = bench.run()
    assert (got[StatsSlot.SUM] == total).all() and (got[StatsSlot.DOT] == dot).all()


def test_pool():
    bench = Bench(Descriptor(Opcode.POOL, cols=CHANNELS, **WINDOWS.fields()))
    expected = max_pool(bench.inputs[PoolSlot.X], WINDOWS)
    got = bench.run()
    assert (got[PoolSlot.OUT] == expected[0]).all()
    assert (got[PoolSlot.WINNER] == expected[1]).all()
    assert (bench.memory.rows_of(bench.tensors[PoolSlot.WINNER])[:, -1] < 16).all(), "odd channels"


def test_pool_backward():
    windows = WINDOWS.transposed()
    bench = Bench(Descriptor(Opcode.POOL, flags=PoolFlag.BACKWARD, cols=CHANNELS,
                             **windows.fields()))
    expected = max_pool_backward(bench.inputs[PoolSlot.X], bench.inputs[PoolSlot.WINNER], windows)
    assert (bench.run()[PoolSlot.OUT] == expected).all()


@pytest.mark.parametrize("opcode", [Opcode.MATMUL, Opcode.POOL])
def test_pixels_that_no_window_sees_are_not_read(opcode):
    """A 1x1 kernel with stride 2 leaves out three of four. There the memory may fail, or end."""
    windows = Windows.sliding(1, 7, 7, 1, 1, stride=2)
    fields = {"flags": MatmulFlag.CONV, "depth": CHANNELS, "n": 2, "m": 2}
    bench = Bench(Descriptor(opcode, cols=COLS, **(fields if opcode == Opcode.MATMUL else {}),
                             **windows.fields()))
    x = bench.tensors[0]
    expected = bench.run()
    unseen = ErrorRegion(x.address + x.stride, x.address + 2 * x.stride)
    bench.memory.error_regions = [unseen]
    assert all((bench.run()[number] == bits).all() for number, bits in expected.items())

    address = x.address + 2 * x.stride
    bench.memory.error_regions = [ErrorRegion(address, address + 64)]
    model = CommandModel(bench.memory)
    result = model.run(BASE, 1)
    assert (result.code, result.address) == (Error.READ_SLVERR, address)
    assert model.accepts(result, result.code, 0, address)
    assert not model.accepts(result, result.code, 0, address + x.stride)

    # Three windows each way end at pixel 32; there the memory ends.
    bench.memory.error_regions = []
    bench.desc = replace(bench.desc, out_h=3, out_w=3, slots=bench.desc.slots | {
        0: Slot(BASE + SIZE - 33 * x.stride, x.stride)})
    bench.tensors = {tensor.slot: tensor for tensor in tensors_of(bench.desc)}
    bench.run()


def test_what_cannot_be_written_is_not_computed():
    """Windows above the map read nothing; their results would take gigabytes, and have no place."""
    side, stride = (1 << 16) - 1, 1 << 17
    windows = Windows(1, 1, 1, 1, side, 1, 1, 0, 0, 0, 1, 0)
    desc = Descriptor(Opcode.POOL, flags=PoolFlag.BACKWARD, cols=side, **windows.fields(),
                      slots={number: Slot(BASE + SIZE, stride) for number in PoolSlot})
    memory = Memory(BASE, SIZE)
    memory.load(BASE, desc.pack())
    result = CommandModel(memory).run(BASE, 1)
    assert (result.code, result.address) == (Error.WRITE_DECERR, BASE + SIZE)


OVERFLOWING = {
    "conv": (Descriptor(Opcode.MATMUL, 2, 2, flags=MatmulFlag.CONV, cols=COLS, depth=3,
                        **WINDOWS.fields()), MatmulSlot.A),
    "affine": (Descriptor(Opcode.AFFINE, rows=4, cols=COLS), AffineSlot.X),
    "stats": (Descriptor(Opcode.STATS, rows=4, cols=COLS), StatsSlot.X),
    "pool": (Descriptor(Opcode.POOL, cols=COLS, **WINDOWS.fields()), PoolSlot.X),
    "pool backward": (Descriptor(Opcode.POOL, flags=PoolFlag.BACKWARD, cols=COLS,
                                 **WINDOWS.transposed().fields()), PoolSlot.X),
}


@pytest.mark.parametrize("desc, number", OVERFLOWING.values(), ids=OVERFLOWING.keys())
@pytest.mark.parametrize("value, overflow", [(0x3C00, False), (0x7C00, True)])
def test_overflow_is_seen(desc, number, value, overflow):
    """Infinities that every command lets pass (a pool, where the winner's place agrees)."""
    bench = Bench(desc)
    for slot, tensor in bench.tensors.items():
        if tensor.read and tensor.bits == 16:
            fill = value if slot == number else 0x3C00
            bench.memory.write(tensor, np.full((tensor.rows, tensor.cols), fill, np.uint16))
        elif tensor.read and tensor.bits == NIBBLE:
            bench.memory.write(tensor, np.full((tensor.rows, tensor.cols), 4, np.uint8))
    bench.run()
    assert bench.result.overflow == overflow


def test_feature_commands_share_the_vector_engine():
    """Two of them never run at the same time; one may run beside a product."""
    pool = Bench(OVERFLOWING["pool"][0]).desc
    product = Bench(OVERFLOWING["conv"][0]).desc
    memory = Memory(BASE, SIZE)
    program = [product, replace(pool, overlap=True), replace(pool, overlap=True)]
    memory.load(BASE, b"".join(desc.pack() for desc in program))
    result = CommandModel(memory, hazards="ignore").run(BASE, 3)
    assert [command.beside for command in result.commands] == [set(), {0}, {0}]
    # They were laid out in the same place: each writes what the other reads.
    assert {(hazard.first, hazard.second) for hazard in result.hazards} == {(0, 1), (0, 2)}
