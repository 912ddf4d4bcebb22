# SPDX-License-Identifier: Apache-2.0
"""Tensors as operands of a command: what spec/commands.yaml says of each slot, checked by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from sat_golden.defs import COLS_MAX, IN_PLACE, SIZE_MAX, STRIDE_MAX
from sat_golden.descriptor import Descriptor, Slot
from sat_golden.operands import HALF, NIBBLE, OPERANDS, SINGLE

from .address_space import AddressSpace
from .memory import FP16, FP32, INDEX, Tensor

FORMATS = {HALF: FP16, SINGLE: FP32, NIBBLE: INDEX}


@dataclass(frozen=True)
class Bound:
    """A descriptor with its slots filled, and the tensors that the command reads and writes."""

    descriptor: Descriptor
    reads: tuple[Tensor, ...]
    writes: tuple[Tensor, ...]


def bind(draft: Descriptor, arguments: Mapping[int, tuple[str, object]],
         backend: AddressSpace | None) -> Bound:
    """Fills the slots that the command uses with `arguments`: slot -> (name, tensor).

    TypeError or ValueError, beginning with the name, for a tensor of the wrong kind, format, shape
    or core (any core, if `backend` is None), and for an output that shares memory with another
    operand where the core does not define that.
    """
    used = list(OPERANDS[draft.opcode](draft))
    checked: dict[int, tuple[str, Tensor]] = {}
    for operand in used:
        name, tensor = checked[operand.slot] = check_tensor(*arguments[operand.slot])
        wanted = FORMATS[operand.bits]
        if tensor.format is not wanted:
            raise TypeError(f"{name}: {tensor.name} is {tensor.format.name}, but must be "
                            f"{wanted.name}")
        if tensor.shape != operand.shape:
            raise ValueError(f"{name}: {tensor.name} has shape {tensor.shape}, but must be "
                             f"{operand.shape}")
        if backend and tensor.backend.home is not backend:
            raise ValueError(f"{name}: {tensor.name} is a tensor of another core")
        if operand.written and draft.cols > COLS_MAX:
            raise ValueError(f"{name}: {tensor.name} comes from {draft.cols} columns, but a "
                             f"command takes {COLS_MAX}")
    for one, other in combinations(used, 2):
        if one.written or other.written:
            output, operand = (other, one) if other.written else (one, other)
            in_place = operand.slot in IN_PLACE.get((draft.opcode, output.slot), ())
            check_apart(*checked[output.slot], *checked[operand.slot], in_place)
    tensors = {slot: tensor for slot, (_, tensor) in checked.items()}
    slots = {operand.slot: Slot(tensors[operand.slot].addr,
                                0 if operand.vector else tensors[operand.slot].stride)
             for operand in used}
    return Bound(replace(draft, slots=slots),
                 tuple(tensors[operand.slot] for operand in used if operand.read),
                 tuple(tensors[operand.slot] for operand in used if operand.written))


def check_tensor(name: str, value: object) -> tuple[str, Tensor]:
    """The arguments, if the second is a tensor that the core can address."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: a Tensor is needed, not {type(value).__name__}")
    if max(value.shape) > SIZE_MAX or value.stride > STRIDE_MAX:
        raise ValueError(f"{name}: {value.name} {value.shape} is larger than the core can address")
    return name, value


def check_apart(name: str, output: Tensor, other: str, tensor: Tensor, in_place: bool) -> None:
    """`in_place`: the output may be that tensor, row by row, but not touch it otherwise."""
    if not output.overlaps(tensor):
        return
    if not in_place:
        raise ValueError(f"{name}: overlaps {other} ({tensor.name})")
    if ((output.addr, output.stride, output.format)
            != (tensor.addr, tensor.stride, tensor.format)):
        raise ValueError(f"{name}: overlaps {other} without being the same FP16 matrix")
