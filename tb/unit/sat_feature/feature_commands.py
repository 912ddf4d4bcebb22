# SPDX-License-Identifier: Apache-2.0
"""Legal AFFINE, STATS and POOL commands, drawn at random, with their operands in memory."""

from __future__ import annotations

import numpy as np

from sat_golden import Descriptor, Memory, Slot, aligned
from sat_golden.defs import (
    POOL_POSITIONS_MAX,
    AffineFlag,
    AffineSlot,
    Opcode,
    PoolFlag,
    PoolSlot,
    StatsFlag,
    StatsSlot,
)
from sat_golden.operands import HALF, NIBBLE
from sat_golden.stimulus import mixed_fp16, random_bits
from sat_golden.tensors import tensors_of
from sat_golden.windows import Windows
from tb.unit.sat_vector.sat_vector_tests import BASE, SIZE, Layout, mixed_fp32


def random_windows(rng: np.random.Generator) -> Windows:
    """Small maps with every combination of step, dilation, upsampling and padding."""
    kernel_h = int(rng.integers(1, 6))
    kernel_w = int(rng.integers(1, min(15, POOL_POSITIONS_MAX // kernel_h) + 1))
    images = int(rng.integers(1, 4))
    map_h, map_w, out_h, out_w = map(int, rng.integers(1, 6, 4))
    step, dilation, upsample = map(int, rng.choice(4, 3, p=[0.4, 0.4, 0.1, 0.1]))
    pad_top, pad_left = map(int, rng.integers(-2, 4, 2))
    return Windows(images, map_h, map_w, out_h, out_w, kernel_h, kernel_w, step, dilation,
                   upsample, pad_top, pad_left)


def random_feature(rng: np.random.Generator, opcode: Opcode, special: float = 0.0,
                   **fixed) -> tuple[Descriptor, Memory]:
    """A command with its operands in a memory otherwise full of random bytes.

    `fixed` may hold rows, cols, flags, windows. `special` is the share of special values. An OUT of
    AFFINE is now and then one of the inputs.
    """
    rows = fixed.get("rows") or int(rng.integers(1, 41))
    cols = fixed.get("cols") or int(rng.choice([rng.integers(1, 10), rng.integers(1, 151)]))
    fields = {"rows": rows, "cols": cols}
    layout = Layout(rng)

    def vectors(*slots: int) -> None:
        for slot in slots:
            layout.add(slot, 1, 4 * cols)
            layout.slots[slot] = Slot(layout.slots[slot].address, 0)

    if opcode == Opcode.POOL:
        flags = fixed.get("flags", int(rng.integers(2)))
        windows = fixed.get("windows") or random_windows(rng)
        fields |= windows.fields()
        sizes = {PoolSlot.X: windows.pixels, PoolSlot.OUT: windows.count}
        sizes[PoolSlot.WINNER] = windows.pixels if flags & PoolFlag.BACKWARD else windows.count
        for slot, size in sizes.items():
            layout.add(slot, size, (cols + 1) // 2 if slot == PoolSlot.WINNER else 2 * cols)
    elif opcode == Opcode.STATS:
        flags = fixed.get("flags", int(rng.integers(2)))
        layout.add(StatsSlot.X, rows, 2 * cols)
        if flags & StatsFlag.SECOND:
            layout.add(StatsSlot.Y, rows, 2 * cols)
        vectors(StatsSlot.SUM, StatsSlot.DOT)
    else:
        flags = fixed.get("flags", int(rng.integers(4)))
        layout.add(AffineSlot.X, rows, 2 * cols)
        if flags & AffineFlag.SECOND:
            layout.add(AffineSlot.Y, rows, 2 * cols)
            vectors(AffineSlot.BETA)
        vectors(AffineSlot.ALPHA, AffineSlot.GAMMA)
        place = rng.random()
        if place < 0.3:
            layout.slots[AffineSlot.OUT] = layout.slots[AffineSlot.X]
        elif place < 0.6 and flags & AffineFlag.SECOND:
            layout.slots[AffineSlot.OUT] = layout.slots[AffineSlot.Y]
        else:
            layout.add(AffineSlot.OUT, rows, 2 * cols)

    size = max(SIZE, aligned(layout.next - BASE))
    memory = Memory(BASE, size, random_bits(rng, size, np.uint8))
    descriptor = Descriptor(opcode=opcode, n=0, m=0, flags=int(flags), slots=layout.slots, **fields)
    for tensor in tensors_of(descriptor):
        if tensor.read and tensor.bits != NIBBLE:
            shape = (tensor.rows, tensor.cols)
            bits = (mixed_fp16 if tensor.bits == HALF else mixed_fp32)(rng, shape, special)
            memory.rows_of(tensor)[:] = np.ascontiguousarray(bits).view(np.uint8)
        elif tensor.read:
            # Positions that exist, mostly; the high nibble past an odd row may be anything.
            shape = (tensor.rows, tensor.row_bytes)
            low, high = rng.integers(0, min(16, windows.positions + 1), (2, *shape), np.uint8)
            memory.rows_of(tensor)[:] = low | high << 4
    return descriptor, memory
