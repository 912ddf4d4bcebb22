# SPDX-License-Identifier: Apache-2.0
"""Random descriptors for the benches of what checks them and hands them on."""

from dataclasses import replace

from sat_golden import Windows
from sat_golden.defs import (
    COLS_MAX,
    DESC_BYTES,
    FIELDS_USED,
    LEGAL_FLAGS,
    POOL_POSITIONS_MAX,
    SIZE_MAX,
    STRIDE_MAX,
    Opcode,
    PruneFlag,
    UpdateFlag,
)
from sat_golden.descriptor import Descriptor, Slot, aligned
from sat_golden.tensors import tensors_of

SIDE_MAX = 65535


def random_size(rng, most=SIZE_MAX):
    return int(rng.choice([1, 2, int(rng.integers(1, 100)), int(rng.integers(1, most + 1)), most]))


def random_side(rng, most):
    """A size of at most `most`, which it often is."""
    return most if rng.random() < 0.3 else min(random_size(rng), most)


def random_windows(rng, most_positions):
    images = random_size(rng)
    sides = {}
    for grid in ("map", "out"):
        sides[f"{grid}_h"] = random_side(rng, min(SIDE_MAX, SIZE_MAX // images))
        most = min(SIDE_MAX, SIZE_MAX // (images * sides[f"{grid}_h"]))
        sides[f"{grid}_w"] = random_side(rng, most)
    sides["kernel_h"] = random_side(rng, 15)
    sides["kernel_w"] = random_side(rng, min(15, most_positions // sides["kernel_h"]))
    steps = {f"{name}_log2": int(rng.integers(4)) for name in ("step", "dilation", "upsample")}
    pads = {f"pad_{side}": int(rng.integers(-128, 128)) for side in ("top", "left")}
    return Windows(images, **sides, **steps, **pads)


def random_legal(rng, addr_w, opcode=None):
    """A legal descriptor, many of whose tensors end at the end of the address space."""
    opcode = opcode or Opcode(int(rng.integers(1, len(Opcode) + 1)))
    flags = int(rng.integers(1 << 11)) & LEGAL_FLAGS[opcode]
    if opcode == Opcode.FENCE:
        return Descriptor(opcode, flags=flags)
    if opcode == Opcode.PRUNE and not flags & (PruneFlag.FF | PruneFlag.BP):
        flags |= PruneFlag.FF
    rows, cols = random_size(rng), random_size(rng, COLS_MAX)
    desc = Descriptor(opcode, overlap=bool(rng.integers(2)), flags=flags, rows=rows, cols=cols)
    if "N" in FIELDS_USED[opcode]:
        m = int(rng.choice([2, 4, 8, 16]))
        desc = replace(desc, n=int(rng.integers(1, m + 1)), m=m)
    if opcode == Opcode.MATMUL:
        desc = replace(desc, depth=random_size(rng))
    if opcode == Opcode.UPDATE:
        decay = int(rng.integers(1 << 32)) if flags & UpdateFlag.DECAY else 0
        desc = replace(desc, decay=decay, inv_scale=int(rng.integers(1 << 32)),
                       momentum=int(rng.integers(1 << 32)), lr=int(rng.integers(1 << 32)))
    if desc.has_windows:
        windows = random_windows(rng, POOL_POSITIONS_MAX if opcode == Opcode.POOL else 225)
        desc = replace(desc, **windows.fields())
    if desc.has_windows and opcode == Opcode.MATMUL:
        desc = replace(desc, depth=random_side(rng, SIZE_MAX // desc.windows.positions))
    if any(tensor.row_bytes > STRIDE_MAX or (tensor.rows - 1) * aligned(tensor.row_bytes)
           + tensor.row_bytes > 1 << addr_w for tensor in tensors_of(desc)):
        return random_legal(rng, addr_w, opcode)  # no memory holds it
    slots = {}
    for tensor in tensors_of(desc):
        stride = aligned(tensor.row_bytes)
        kind = rng.integers(4)
        if tensor.vector:
            stride = 0
        elif kind == 0:
            room = ((1 << addr_w) - tensor.row_bytes) // max(1, tensor.rows - 1) // 64 * 64
            stride = min(stride + 64 * int(rng.integers(100)), STRIDE_MAX, max(stride, room))
        elif kind == 1 and tensor.rows < 200:  # less than 2^32 bytes
            stride = STRIDE_MAX
        size = (tensor.rows - 1) * stride + tensor.row_bytes
        last = ((1 << addr_w) - size) // 64
        line = last if rng.random() < 0.5 else int(rng.integers(last + 1))
        slots[tensor.slot] = Slot(64 * line, stride)
    return replace(desc, slots=slots)


def damage(rng, data):
    """A few bits flipped, or a word replaced."""
    data = bytearray(data)
    if rng.random() < 0.5:
        for bit in rng.integers(0, 8 * DESC_BYTES, rng.integers(1, 3)):
            data[bit // 8] ^= 1 << bit % 8
    else:
        word = 4 * int(rng.integers(DESC_BYTES // 4))
        value = int(rng.choice([0, 1, 1 << 16, 65535, 1 << 24, SIZE_MAX, 0xFFFFFFFF,
                                int(rng.integers(1 << 32))]))
        data[word:word + 4] = value.to_bytes(4, "little")
    return bytes(data)
