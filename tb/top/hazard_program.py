# SPDX-License-Identifier: Apache-2.0
"""Programs with a hazard, and programs that come as near to one as they may.

Each is a random program in which two things are moved together: two tensors, so that they share a
line or just do not, or a result and a descriptor. What that makes of the program is said here, from
the words of docs/reference/commands.md and without the golden model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sat_golden import Descriptor, HazardKind, Slot, Tensor, aligned
from sat_golden.command_model import ENGINE_OF
from sat_golden.defs import (
    DESC_BYTES,
    TENSOR_ALIGN,
    AffineSlot,
    MatmulSlot,
    Opcode,
    PruneFlag,
    PruneSlot,
)
from sat_golden.operands import HALF
from sat_golden.tensors import tensors_of
from tb.common.require import require
from tb.common.rng import make_rng
from tb.top.random_program import (
    Program,
    ProgramWriter,
    add_random_conv,
    add_random_feature,
    add_random_matmul,
    add_random_weights,
    draw_numbers,
)

LIMIT = 20  # sides of tensors
HALVES = DESC_BYTES // 2  # FP16 numbers in a descriptor
ADDERS = (add_random_matmul, add_random_conv, add_random_weights, add_random_feature)
MAY_BE = {  # outputs that may be the same matrix as an input
    (Opcode.MATMUL, MatmulSlot.C, MatmulSlot.RESIDUAL),
    (Opcode.MATMUL, MatmulSlot.C, MatmulSlot.MASK),
    (Opcode.AFFINE, AffineSlot.OUT, AffineSlot.X),
    (Opcode.AFFINE, AffineSlot.OUT, AffineSlot.Y),
}


@dataclass
class Case:
    """A program, and its hazard: kind, indices of both, slots of both (for FETCH of one). `reason`
    says why there is none, if so."""

    program: Program
    hazard: tuple[HazardKind, int, int, tuple[int, ...]] | None
    reason: str = ""


def draw_writer(rng: np.random.Generator, commands: int) -> ProgramWriter:
    writer = ProgramWriter(rng)
    add_commands(writer, commands)
    return writer


def add_commands(writer: ProgramWriter, commands: int) -> None:
    """About that many, of all kinds."""
    for _ in range(commands):
        if writer.rng.random() < 0.1:
            writer.fence(False)
        else:
            ADDERS[writer.rng.integers(len(ADDERS))](writer, LIMIT)


def may_be_beside(descriptors: list[Descriptor], earlier: int, later: int) -> bool:
    """Whether a command may still run when a later one starts: not where any from then on waited
    for everything, or for the engine."""
    engine = ENGINE_OF.get(descriptors[earlier].opcode)
    return engine is not None and all(
        desc.overlap and ENGINE_OF[desc.opcode] != engine
        for desc in descriptors[earlier + 1 : later + 1])


# Two tensors


def tensor_case(seed: int) -> Case:
    """Two tensors, one of them written, of one command or of two, share a line or just do not."""
    rng = make_rng("shared", seed)
    pairs = []
    while not pairs:
        writer = draw_writer(rng, int(rng.integers(1, 6)))
        pairs = tensor_pairs(writer.descriptors)
    engines = [ENGINE_OF.get(desc.opcode) for desc in writer.descriptors]
    within = [pair for pair in pairs if pair[0] == pair[2]]
    near = [pair for pair in pairs if pair[2] - pair[0] in (1, 2)
            and engines[pair[0]] != engines[pair[2]]]
    twins = [(i, x, j, y) for i, x, j, y in within
             if may_be_same(writer.descriptors[i].opcode, x, y)]
    groups = [group for group in (within, near, near, twins, pairs) if group]
    group = groups[rng.integers(len(groups))]
    i, x, j, y = group[rng.integers(len(group))]
    share = bool(rng.random() < 0.6)
    x, y = place_together(rng, writer, x, y, share)
    for index, tensor in ((i, x), (j, y)):
        desc = writer.descriptors[index]
        slot = Slot(tensor.address, tensor.stride)
        writer.descriptors[index] = replace(desc, slots=desc.slots | {tensor.slot: slot})
    program = writer.finish()
    kind, reason = HazardKind.OVERLAP, ""
    if not share:
        reason = "apart"
    elif i == j:
        kind = HazardKind.OUTPUTS if x.written and y.written else HazardKind.INPUT
        if may_be_same(program.descriptors[i].opcode, x, y) and shape(x) == shape(y):
            reason = "in place"
    elif not may_be_beside(program.descriptors, i, j):
        reason = "one after the other"
    return Case(program, None if reason else (kind, i, j, (x.slot, y.slot)), reason)


def tensor_pairs(descriptors: list[Descriptor]) -> list[tuple[int, Tensor, int, Tensor]]:
    """Two uses of memory, each with the index of its command; one of them writes."""
    uses = [(index, tensor) for index, desc in enumerate(descriptors)
            for tensor in tensors_of(desc) if tensor.rows_used().size]
    return [(i, x, j, y) for i, x in uses for j, y in uses
            if (i, x.slot) < (j, y.slot) and (x.written or y.written)]


def may_be_same(opcode: int, x: Tensor, y: Tensor) -> bool:
    return (opcode, x.slot, y.slot) in MAY_BE or (opcode, y.slot, x.slot) in MAY_BE


def shape(tensor: Tensor) -> tuple[int, ...]:
    return tensor.address, tensor.stride, tensor.rows, tensor.cols, tensor.bits


def place_together(rng: np.random.Generator, writer: ProgramWriter, x: Tensor, y: Tensor,
                   share: bool) -> tuple[Tensor, Tensor]:
    """Both at a new place, filled with numbers: y ends where x begins, begins where x ends, lies
    between its rows, or (if they share) begins where it begins."""
    way = str(rng.choice(["before", "behind", "between"] + ["same"] * share))
    step = 0 if share else TENSOR_ALIGN
    x_rows, y_rows = x.rows_used(), y.rows_used()
    if way == "between":
        if min(x.rows, y.rows) == 1 or x.seen_by or y.seen_by:
            way = "behind"
        else:
            stride = aligned(x.row_bytes) + aligned(y.row_bytes)
            x, y = replace(x, stride=stride), replace(y, stride=stride)
    elif way == "same" and x.row_bytes == y.row_bytes and not x.vector and not y.vector:
        y = replace(y, stride=x.stride)
    room = [aligned(tensor.end - tensor.address) for tensor in (x, y)]
    arena = writer.place(1, (room[0] + 2 * room[1]) // 4 + TENSOR_ALIGN, 32).address
    x = replace(x, address=arena + room[1] + TENSOR_ALIGN)
    begin = x.address + int(x_rows[0]) * x.stride
    if way == "before":
        address = begin - last_line(y, int(y_rows[-1])) - step
    elif way == "behind":
        address = (x.address + last_line(x, int(x_rows[-1])) + step - int(y_rows[0]) * y.stride)
    elif way == "between":
        address = x.address + aligned(x.row_bytes) - TENSOR_ALIGN + step
    else:
        address = begin - int(y_rows[0]) * y.stride
    y = replace(y, address=address)
    for tensor in (x, y):
        fill(writer, tensor)
    return x, y


def last_line(tensor: Tensor, row: int) -> int:
    """The last line of a row, from the tensor's address on."""
    return row * tensor.stride + (tensor.row_bytes - 1) // TENSOR_ALIGN * TENSOR_ALIGN


def fill(writer: ProgramWriter, tensor: Tensor) -> None:
    count = tensor.rows * tensor.row_bytes * 8 // tensor.bits
    put(writer, tensor, draw_numbers(writer.rng, "ordinary", count, tensor.bits))


def put(writer: ProgramWriter, tensor: Tensor, numbers: np.ndarray) -> None:
    """Its elements into the image."""
    shape = tensor.rows, tensor.row_bytes
    room = writer.image[tensor.address - writer.base :]
    as_strided(room, shape, (tensor.stride, 1))[:] = numbers.view(np.uint8).reshape(shape)


# A result and a descriptor


def fetch_case(seed: int) -> Case:
    """A command writes a descriptor, or half of one: a later one, which is not right before, or one
    that was fetched already, which may become anything."""
    rng = make_rng("fetched", seed)
    writer = draw_writer(rng, int(rng.integers(0, 4)))
    i = len(writer.descriptors)
    writer.fence(False)  # in place of the command that writes
    add_commands(writer, int(rng.integers(1, 5)))
    j = int(rng.integers(i + 1 if rng.random() < 0.8 else 0, len(writer.descriptors)))
    begin, end = ((0, HALVES), (0, HALVES // 2), (HALVES // 2, HALVES))[rng.integers(3)]
    halves = np.frombuffer(writer.descriptors[j].pack(), np.uint16)[begin:end]
    copier, source = add_copier(writer, end - begin, j <= i or survives_product(halves))
    # Everything has its place now, and so do the descriptors.
    listing = -(-writer.free // DESC_BYTES) * DESC_BYTES
    slot = MatmulSlot.C if copier.opcode == Opcode.MATMUL else PruneSlot.FF_VALUES
    target = Slot(listing + j * DESC_BYTES + 2 * begin, DESC_BYTES)
    writer.descriptors[i] = replace(copier, slots=copier.slots | {slot: target})
    program = writer.finish()
    require(program.address == listing, "descriptors at %#x, not %#x", program.address, listing)

    if j > i:
        written = program.image[target.address - program.base :][: 2 * (end - begin)]
        program.image[source.address - program.base :][: written.size] = written
        written[:] = rng.integers(0, 256, written.size)
        if i == j - 1 or may_be_beside(program.descriptors, i, j - 1):
            return Case(program, (HazardKind.FETCH, i, j, (slot,)))
    return Case(program, None, "written in time" if j > i else "fetched before")


def add_copier(writer: ProgramWriter, cols: int, product: bool) -> tuple[Descriptor, Slot]:
    """A command that copies a row of FP16 numbers, bit by bit, still without its output; and where
    it reads them. With `product` either engine does."""
    source = writer.place(1, cols, HALF, "ordinary")
    if not product or writer.rng.random() < 0.4:
        return Descriptor(Opcode.PRUNE, 2, 2, flags=PruneFlag.FF | PruneFlag.SRC_FP16, rows=1,
                          cols=cols, slots={PruneSlot.W: source}), source
    identity = writer.place(cols, cols, HALF)
    tensor = Tensor(0, identity.address, identity.stride, cols, cols, HALF)
    put(writer, tensor, np.eye(cols, dtype=np.float16))
    return Descriptor(Opcode.MATMUL, 2, 2, rows=1, cols=cols, depth=cols,
                      slots={MatmulSlot.A: source, MatmulSlot.S_VALUES: identity}), source


def survives_product(halves: np.ndarray) -> bool:
    """Whether a product with the identity keeps these FP16 patterns: no -0, infinity or NaN."""
    return not np.any((halves == 0x8000) | (halves & 0x7C00 == 0x7C00))
