# SPDX-License-Identifier: Apache-2.0
"""Descriptors for the sequencer's benches."""

from dataclasses import replace

from sat_golden import Windows
from sat_golden.defs import (
    AffineSlot,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolSlot,
    PruneFlag,
    PruneSlot,
    StatsSlot,
)
from sat_golden.descriptor import Descriptor, Slot

ENGINES: dict[int, str] = {
    Opcode.MATMUL: "matmul", Opcode.PRUNE: "vector", Opcode.UPDATE: "vector",
    Opcode.AFFINE: "vector", Opcode.STATS: "vector", Opcode.POOL: "vector"}
WINDOWS = Windows(2, 4, 4, 2, 2, kernel_h=3, kernel_w=3, step_log2=1)


def matmul(overlap=False):
    slots: dict[int, Slot] = {
        slot: Slot(0x1000 * (slot + 1), 64)
        for slot in (MatmulSlot.A, MatmulSlot.S_VALUES, MatmulSlot.C)}
    return Descriptor(Opcode.MATMUL, n=4, m=4, overlap=overlap, rows=3, cols=5, depth=7,
                      slots=slots)


def conv(overlap=False):
    return replace(matmul(overlap), flags=MatmulFlag.CONV, **WINDOWS.fields())


def prune(overlap=False):
    slots: dict[int, Slot] = {PruneSlot.W: Slot(0x8000, 64),
                              PruneSlot.FF_VALUES: Slot(0x9000, 64)}
    return Descriptor(Opcode.PRUNE, n=2, m=2, overlap=overlap, flags=PruneFlag.FF, rows=3, cols=5,
                      slots=slots)


def affine(overlap=False):
    slots: dict[int, Slot] = {slot: Slot(0x1000 * (slot + 1), 64)
                              for slot in (AffineSlot.X, AffineSlot.OUT)}
    vectors: dict[int, Slot] = {slot: Slot(0x1000 * (slot + 1))
                                for slot in (AffineSlot.ALPHA, AffineSlot.GAMMA)}
    return Descriptor(Opcode.AFFINE, overlap=overlap, rows=3, cols=5, slots=slots | vectors)


def stats(overlap=False):
    slots: dict[int, Slot] = {StatsSlot.X: Slot(0x1000, 64), StatsSlot.SUM: Slot(0x2000),
                              StatsSlot.DOT: Slot(0x3000)}
    return Descriptor(Opcode.STATS, overlap=overlap, rows=3, cols=5, slots=slots)


def pool(overlap=False):
    slots: dict[int, Slot] = {slot: Slot(0x1000 * (slot + 1), 64) for slot in PoolSlot}
    return Descriptor(Opcode.POOL, overlap=overlap, cols=5, slots=slots, **WINDOWS.fields())


def fence(irq=False):
    return Descriptor(Opcode.FENCE, flags=FenceFlag.IRQ if irq else 0)


def random_program(rng, length):
    """Random commands, told apart by their row count."""
    kinds = [matmul, conv, prune, affine, stats, pool, fence]
    chances = [0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.2]
    program = []
    for index in range(length):
        kind = kinds[rng.choice(len(kinds), p=chances)]
        desc = kind(bool(rng.integers(2)))
        program.append(desc if kind is fence else replace(desc, rows=index + 1))
    return program
