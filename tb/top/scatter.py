# SPDX-License-Identifier: Apache-2.0
"""Programs whose tensors lie anywhere in the 40-bit address space.

A program in one piece keeps all addresses within a megabyte: what an adder or a counter does with
their upper bits would never show. Here the image repeats through the whole space, each tensor gets
a repetition (*window*) of its own for its first row, and goes some windows further with each row:

    address' = address + first*size        stride' = stride + step*size

Every byte keeps its offset in the image, so that different tensors never meet, and the program in
one piece tells the result. A line that no command uses lies nowhere: accesses of it end in DECERR.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

import numpy as np

from sat_golden.checks import check
from sat_golden.defs import DESC_BYTES, STRIDE_MAX, TENSOR_ALIGN
from sat_golden.descriptor import Slot, aligned
from sat_golden.memory import lines_of
from sat_golden.operands import SINGLE
from sat_golden.tensors import Tensor, tensors_of
from tb.common.require import require
from tb.common.rng import make_rng
from tb.top.random_program import ADDR_W, Placement, Program, draw_base, random_program

SPACE = 1 << ADDR_W
NOWHERE = 0xFFFF_FFFF  # a tag that no address has


def scattered(program: Program, rng: np.random.Generator) -> Program:
    """The program with its tensors and its descriptors anywhere."""
    listing_bytes = program.length * DESC_BYTES
    size = 1 << (program.address + listing_bytes - program.base - 1).bit_length()
    image = program.image[:size].copy()
    tags = np.full(size // TENSOR_ALIGN, NOWHERE, np.uint32)
    listing = Placement(program.address, listing_bytes, 1, listing_bytes)
    address = draw_place(rng, size, listing).address
    mark(tags, program.base, row_of(program.address, listing_bytes), row_of(address, listing_bytes))

    moves = [(placement, draw_place(rng, size, placement)) for placement in program.placements]
    descriptors = []
    for index, desc in enumerate(program.descriptors):
        slots = {number: moved_slot(moves, slot) for number, slot in desc.slots.items()}
        descriptors.append(replace(desc, slots=slots))
        for tensor, moved in zip(tensors_of(desc), tensors_of(descriptors[-1])):
            mark(tags, program.base, tensor, moved)
        data = descriptors[-1].pack()
        check(data, address + index * DESC_BYTES, ADDR_W)
        at = program.address - program.base + index * DESC_BYTES
        image[at : at + DESC_BYTES] = np.frombuffer(data, np.uint8)
    linear = replace(program, image=program.image[:size])
    return Program(program.base, image, address, program.length, descriptors, seed=program.seed,
                   step=program.step, tags=tags, linear=linear)


def draw_place(rng: np.random.Generator, size: int, placement: Placement) -> Placement:
    """Any place for these rows: their offset in a window stays."""
    stride, rows = placement.stride, placement.rows
    offset = placement.address % size
    room = SPACE - offset - aligned(placement.row_bytes)
    stride_most = min(STRIDE_MAX, room // max(1, rows - 1))
    stride += size * draw_step(rng, max(0, stride_most - stride) // size)
    first = draw_window(rng, (room - (rows - 1) * stride) // size)
    return placement._replace(address=offset + first * size, stride=stride)


def draw_step(rng: np.random.Generator, most: int) -> int:
    """Windows from row to row: mostly few, sometimes as many as there may be."""
    if rng.random() < 0.15:
        return most
    return int(rng.integers(most + 1)) >> int(rng.integers(most.bit_length() + 1))


def draw_window(rng: np.random.Generator, most: int) -> int:
    """Half of them have ones in their low bits: a step to the next one carries far."""
    window = int(rng.integers(most + 1))
    if rng.random() < 0.5:
        window |= (1 << int(rng.integers(most.bit_length() + 1))) - 1
    return min(window, most)


def moved_slot(moves: list[tuple[Placement, Placement]], slot: Slot) -> Slot:
    """A slot that points to a placement's first or a later row. Vectors keep their stride 0."""
    last = bisect_right(moves, slot.address, key=lambda pair: pair[0].address) - 1
    placement, moved = moves[last]
    row, rest = divmod(slot.address - placement.address, placement.stride)
    require(rest == 0 and row < placement.rows, "%s points between rows", slot)
    return Slot(moved.address + row * moved.stride, slot.stride and moved.stride)


def row_of(address: int, size: int) -> Tensor:
    return Tensor(0, address, size, 1, size // 4, SINGLE)


def mark(tags: np.ndarray, base: int, tensor: Tensor, moved: Tensor) -> None:
    """Lets the lines that a command uses of a tensor answer where it was moved to."""
    lines = np.arange(0, aligned(tensor.row_bytes), TENSOR_ALIGN)
    here, there = (lines_of(each)[0][:, None] + lines - base for each in (tensor, moved))
    tags[here // TENSOR_ALIGN] = there % SPACE // (tags.size * TENSOR_ALIGN)


def scattered_program(seed: int, most: int = 6, limit: int = 60) -> Program:
    """1..most commands of all kinds that use each other's results, anywhere in memory."""
    rng = make_rng("scattered", seed)
    program = random_program(rng, int(rng.integers(1, most + 1)), limit, draw_base(rng),
                             chained=0.4)
    return scattered(program, rng)
