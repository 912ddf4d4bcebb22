# SPDX-License-Identifier: Apache-2.0
"""Hazards: what a program must not do, and the core does not check.

docs/reference/commands.md, "Hazards", says what they are.

Commands of the two engines run side by side, a command reads some of its inputs after it has
written some of its outputs, and descriptors are fetched while earlier commands run. Where bytes
are shared that way, what the core does depends on its shape and on time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from itertools import combinations

import numpy as np

from .defs import (
    DESC_BYTES,
    IN_PLACE,
    AffineSlot,
    MatmulSlot,
    Opcode,
    PoolSlot,
    PruneSlot,
    StatsSlot,
    UpdateSlot,
)
from .descriptor import Descriptor
from .operands import SINGLE
from .tensors import Tensor

SLOT_NAMES: dict[int, type[IntEnum]] = {
    Opcode.MATMUL: MatmulSlot,
    Opcode.PRUNE: PruneSlot,
    Opcode.UPDATE: UpdateSlot,
    Opcode.AFFINE: AffineSlot,
    Opcode.STATS: StatsSlot,
    Opcode.POOL: PoolSlot,
}


class HazardKind(Enum):
    """What shares bytes with what."""

    INPUT = "an output and an input of one command"
    OUTPUTS = "two outputs of one command"
    OVERLAP = "commands that may run at the same time, at least one of which writes"
    FETCH = "an output and a later descriptor that may be fetched before it is written"


@dataclass
class Command:
    """A command that was started: its descriptor, tensors, and the commands (their indices) that
    may still have been running beside it."""

    index: int
    desc: Descriptor
    tensors: list[Tensor]
    beside: set[int]

    @property
    def outputs(self) -> list[Tensor]:
        return [tensor for tensor in self.tensors if tensor.written]

    def output_ranges(self) -> list[tuple[int, int]]:
        """Byte ranges [start, end) the command may write; it writes no other byte."""
        return [span for tensor in self.outputs for span in tensor.row_ranges()]

    def name_of(self, tensor: Tensor) -> str:
        """As messages call one of its tensors."""
        return f"{SLOT_NAMES[self.desc.opcode](tensor.slot).name} of command {self.index}"


@dataclass(frozen=True)
class Hazard:
    """Two things in a program that share bytes.

    first, second            indices in the program: of commands, the earlier one first, for FETCH
                             of a command and a descriptor; the same within one command
    first_slot, second_slot  the tensors' slots; second_slot is None for FETCH
    start, end               the first bytes [start, end) shared
    text                     all that in a line
    """

    kind: HazardKind
    first: int
    second: int
    first_slot: int
    second_slot: int | None
    start: int
    end: int
    text: str

    def __str__(self) -> str:
        return self.text


class HazardWarning(UserWarning):
    """A program has a hazard: the core may end it with other bits than the golden model."""


class HazardError(ValueError):
    """The same as an exception; `hazard` says where."""

    def __init__(self, hazard: Hazard):
        super().__init__(str(hazard))
        self.hazard = hazard


def fetch_hazards(index: int, address: int, running: Iterable[Command]) -> Iterator[Hazard]:
    """Descriptor `index` at `address` is fetched while `running` may run."""
    descriptor = Tensor(0, address, DESC_BYTES, 1, DESC_BYTES // 4, SINGLE)
    for command in running:
        for tensor in command.outputs:
            if span := shared_bytes(tensor, descriptor):
                yield Hazard(HazardKind.FETCH, command.index, index, tensor.slot, None, *span,
                             f"{command.name_of(tensor)} lies on descriptor {index}, which may be "
                             f"fetched before it is written: {as_text(span)}")


def command_hazards(command: Command, running: Iterable[Command]) -> Iterator[Hazard]:
    """Those within a command, and with commands that may be `running` beside it."""
    opcode = command.desc.opcode
    for x, y in combinations(command.tensors, 2):
        if span := not in_place(opcode, x, y) and conflict(x, y):
            kind = HazardKind.OUTPUTS if x.written and y.written else HazardKind.INPUT
            yield Hazard(kind, command.index, command.index, x.slot, y.slot, *span,
                         f"{command.name_of(x)} shares memory with its "
                         f"{SLOT_NAMES[opcode](y.slot).name}: {as_text(span)}")
    for other in running:
        for x in other.tensors:
            for y in command.tensors:
                if span := conflict(x, y):
                    yield Hazard(HazardKind.OVERLAP, other.index, command.index, x.slot, y.slot,
                                 *span,
                                 f"{other.name_of(x)} shares memory with {command.name_of(y)}, "
                                 f"which may run at the same time: {as_text(span)}")


def as_text(span: tuple[int, int]) -> str:
    return f"bytes {span[0]:#x}..{span[1] - 1:#x}"


def conflict(x: Tensor, y: Tensor) -> tuple[int, int] | None:
    """The first bytes that both use and at least one writes."""
    return shared_bytes(x, y) if x.written or y.written else None


def in_place(opcode: int, x: Tensor, y: Tensor) -> bool:
    """Whether one is an output, and the other the same matrix as an input that it may be."""
    allowed = (y.slot in IN_PLACE.get((opcode, x.slot), ())
               or x.slot in IN_PLACE.get((opcode, y.slot), ()))
    return allowed and matrix(x) == matrix(y)


def matrix(tensor: Tensor) -> tuple[int, ...]:
    return tensor.address, tensor.stride, tensor.rows, tensor.cols, tensor.bits


def shared_bytes(x: Tensor, y: Tensor) -> tuple[int, int] | None:
    """The first bytes [start, end) that rows of two tensors share, rows that no window sees apart.
    """
    if x.end <= y.address or y.end <= x.address:
        return None
    x_starts, y_starts = (tensor.address + tensor.rows_used() * tensor.stride for tensor in (x, y))
    if not x_starts.size or not y_starts.size:
        return None
    x_ends, y_ends = x_starts + x.row_bytes, y_starts + y.row_bytes
    # Rows of a tensor are disjoint and in order: a row meets at most the first one of the other
    # tensor that ends behind its start, and those that follow.
    first = np.minimum(np.searchsorted(y_ends, x_starts, side="right"), y_ends.size - 1)
    starts = np.maximum(x_starts, y_starts[first])
    ends = np.minimum(x_ends, y_ends[first])
    rows = np.flatnonzero(starts < ends)
    return (int(starts[rows[0]]), int(ends[rows[0]])) if rows.size else None
