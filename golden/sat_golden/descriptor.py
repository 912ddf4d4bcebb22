# SPDX-License-Identifier: Apache-2.0
"""Descriptors: their 128 bytes, the tensors they name, and the checks (docs/commands.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

from .compress import LEGAL_M, compressed_rows
from .defs import (
    DESC_BYTES,
    FIELDS,
    MATMUL_MAP_BITS,
    MATMUL_MAP_LSB,
    SIZE_MAX,
    SLOT_WORD,
    SLOT_WORDS,
    SLOTS,
    STRIDE_MAX,
    TENSOR_ALIGN,
    Error,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PruneFlag,
    PruneSlot,
    UpdateFlag,
    UpdateSlot,
)

WORDS = DESC_BYTES // 4
MAP_MASK = ((1 << MATMUL_MAP_BITS) - 1) << MATMUL_MAP_LSB

LEGAL_FLAGS = {
    Opcode.MATMUL: sum(MatmulFlag) | MAP_MASK,
    Opcode.PRUNE: sum(PruneFlag),
    Opcode.UPDATE: sum(UpdateFlag),
    Opcode.FENCE: sum(FenceFlag),
}

# The size fields of each command. A size is a whole word: anything in its upper half is too large.
SIZE_WORDS = {name: FIELDS[name][0] for name in ("ROWS", "COLS", "DEPTH")}
SIZES = {
    Opcode.MATMUL: ("ROWS", "COLS", "DEPTH"),
    Opcode.PRUNE: ("ROWS", "COLS"),
    Opcode.UPDATE: ("ROWS", "COLS"),
    Opcode.FENCE: (),
}

HALF, SINGLE, NIBBLE = 16, 32, 4  # bits of an element: FP16, FP32, index


def aligned(size: int) -> int:
    """`size` rounded up to a legal stride or address."""
    return -(-size // TENSOR_ALIGN) * TENSOR_ALIGN


@dataclass(frozen=True)
class Slot:
    """A tensor slot: byte address (64 bits) and row stride in bytes. All zero when unused."""

    address: int = 0
    stride: int = 0


UNUSED = Slot()


@dataclass(frozen=True)
class Tensor:
    """A tensor in memory: where it lies, its shape, and the bits of an element (16, 32 or 4)."""

    slot: int
    address: int
    stride: int
    rows: int
    cols: int
    bits: int
    read: bool = False
    written: bool = False

    @property
    def row_bytes(self) -> int:
        return (self.cols * self.bits + 7) // 8

    @property
    def end(self) -> int:
        """First byte past the tensor."""
        return self.address + (self.rows - 1) * self.stride + self.row_bytes

    def row_ranges(self) -> list[tuple[int, int]]:
        """The byte ranges [start, end) of its rows; one range where rows touch."""
        if self.stride == self.row_bytes or self.rows == 1:
            return [(self.address, self.end)]
        starts = range(self.address, self.address + self.rows * self.stride, self.stride)
        return [(start, start + self.row_bytes) for start in starts]


@dataclass(frozen=True)
class Descriptor:
    """A command. Fields that a command does not use stay zero.

    `flags` takes the IntFlags of `defs` (MatmulFlag, ...), for MATMUL also
    ``map << MATMUL_MAP_LSB``. `inv_scale`, `decay`, `momentum`, `lr` are FP32 bit patterns.
    `slots` maps slot numbers (MatmulSlot, PruneSlot, UpdateSlot) to `Slot`.
    """

    opcode: int
    n: int = 0
    m: int = 0
    overlap: bool = False
    flags: int = 0
    rows: int = 0
    cols: int = 0
    depth: int = 0
    inv_scale: int = 0
    decay: int = 0
    momentum: int = 0
    lr: int = 0
    slots: dict[int, Slot] = field(default_factory=dict)

    def slot(self, number: int) -> Slot:
        return self.slots.get(number, UNUSED)

    def words(self) -> list[int]:
        """The 32 words. ValueError names a field that its bits cannot hold."""
        words = [0] * WORDS
        for name, (word, low, bits) in FIELDS.items():
            value = int(getattr(self, name.lower()))
            if not 0 <= value < 1 << bits:
                raise ValueError(f"{name.lower()}: {value} does not fit {bits} bits")
            words[word] |= value << low
        for number, slot in self.slots.items():
            if not 0 <= number < SLOTS:
                raise ValueError(f"slots: no slot {number}")
            if not 0 <= slot.address < 1 << 64:
                raise ValueError(f"slots[{number}].address: {slot.address} does not fit 64 bits")
            if not 0 <= slot.stride < 1 << 32:
                raise ValueError(f"slots[{number}].stride: {slot.stride} does not fit 32 bits")
            at = SLOT_WORD + SLOT_WORDS * number
            words[at : at + SLOT_WORDS] = [
                slot.address & 0xFFFFFFFF, slot.address >> 32, slot.stride
            ]
        return words

    def pack(self) -> bytes:
        """The 128 bytes in memory."""
        return struct.pack(f"<{WORDS}I", *self.words())

    @classmethod
    def unpack(cls, data: bytes) -> Descriptor:
        """The fields in 128 bytes; reserved bits are dropped (`check` looks at them)."""
        words = unpack_words(data)
        values = {
            name.lower(): words[word] >> low & ((1 << bits) - 1)
            for name, (word, low, bits) in FIELDS.items()
        }
        # Word 4 is one or the other.
        values["inv_scale" if values["opcode"] != Opcode.UPDATE else "depth"] = 0
        values["overlap"] = bool(values["overlap"])
        slots = {number: slot_of(words, number) for number in range(SLOTS)}
        used = {number: slot for number, slot in slots.items() if slot != UNUSED}
        return cls(**values, slots=used)

    def tensors(self) -> list[Tensor]:
        """The tensors a command of known opcode, legal N:M and legal sizes uses, in slot order."""
        return {
            Opcode.MATMUL: self._matmul_tensors,
            Opcode.PRUNE: self._prune_tensors,
            Opcode.UPDATE: self._update_tensors,
            Opcode.FENCE: list,
        }[self.opcode]()

    def _tensor(self, number: int, rows: int, cols: int, bits: int, **role: bool) -> Tensor:
        slot = self.slot(number)
        return Tensor(number, slot.address, slot.stride, rows, cols, bits, **role)

    def _matmul_tensors(self) -> list[Tensor]:
        i, j, k, flags = self.rows, self.cols, self.depth, self.flags
        q = compressed_rows(k, self.n, self.m)
        a_shape = (k, i) if flags & MatmulFlag.A_TRANS else (i, k)
        c_bits = SINGLE if flags & MatmulFlag.OUT_FP32 else HALF
        tensors = [
            self._tensor(MatmulSlot.A, *a_shape, HALF, read=True),
            self._tensor(MatmulSlot.S_VALUES, q, j, HALF, read=True),
        ]
        if self.n != self.m:
            tensors.append(self._tensor(MatmulSlot.S_INDICES, q, j, NIBBLE, read=True))
        tensors.append(self._tensor(MatmulSlot.C, i, j, c_bits, written=True))
        if flags & MatmulFlag.BIAS:
            tensors.append(self._tensor(MatmulSlot.BIAS, 1, j, SINGLE, read=True))
        if flags & MatmulFlag.RESIDUAL:
            tensors.append(self._tensor(MatmulSlot.RESIDUAL, i, j, HALF, read=True))
        if flags & MatmulFlag.MASK:
            tensors.append(self._tensor(MatmulSlot.MASK, i, j, HALF, read=True))
        return tensors

    def _prune_tensors(self) -> list[Tensor]:
        bits = HALF if self.flags & PruneFlag.SRC_FP16 else SINGLE
        source = self._tensor(PruneSlot.W, self.rows, self.cols, bits, read=True)
        return [source, *self._planes()]

    def _update_tensors(self) -> list[Tensor]:
        shape = self.rows, self.cols
        return [
            self._tensor(UpdateSlot.W, *shape, SINGLE, read=True, written=True),
            self._tensor(UpdateSlot.V, *shape, SINGLE, read=True, written=True),
            self._tensor(UpdateSlot.DW, *shape, SINGLE, read=True),
            *self._planes(),
        ]

    def _planes(self) -> list[Tensor]:
        """The compressed copies PRUNE and UPDATE write (same flags and slots in both)."""
        tensors = []
        for flag, values, indices, rows, cols in (
            (PruneFlag.FF, PruneSlot.FF_VALUES, PruneSlot.FF_INDICES, self.rows, self.cols),
            (PruneFlag.BP, PruneSlot.BP_VALUES, PruneSlot.BP_INDICES, self.cols, self.rows),
        ):
            if self.flags & flag:
                q = compressed_rows(rows, self.n, self.m)
                tensors.append(self._tensor(values, q, cols, HALF, written=True))
                if self.n != self.m:
                    tensors.append(self._tensor(indices, q, cols, NIBBLE, written=True))
        return tensors


def unpack_words(data: bytes) -> tuple[int, ...]:
    """128 bytes -> 32 words."""
    return struct.unpack(f"<{WORDS}I", bytes(data))


def slot_of(words: tuple[int, ...], number: int) -> Slot:
    low, high, stride = words[SLOT_WORD + SLOT_WORDS * number :][:SLOT_WORDS]
    return Slot(low | high << 32, stride)


class Fault(Exception):
    """An error as the registers report it, without the command's index."""

    def __init__(self, code: Error, address: int):
        super().__init__(f"{code.name} at {address:#x}")
        self.code = code
        self.address = address


def check(data: bytes, address: int, addr_w: int) -> None:
    """Raise the `Fault` of the first check that the descriptor at `address` fails.

    `data` is its 128 bytes, `addr_w` the address bits of the core. The order is that of
    docs/commands.md, "Errors".
    """
    words = unpack_words(data)
    desc = Descriptor.unpack(data)
    if desc.opcode not in list(Opcode):
        raise Fault(Error.OPCODE, address)
    if not flags_legal(words, desc):
        raise Fault(Error.FLAGS, address)
    if desc.opcode == Opcode.FENCE:
        return
    if desc.m not in LEGAL_M or not 1 <= desc.n <= desc.m:
        raise Fault(Error.NM, address)
    sizes = [words[SIZE_WORDS[name]] for name in SIZES[desc.opcode]]
    if not all(1 <= size <= SIZE_MAX for size in sizes):
        raise Fault(Error.SIZE, address)
    for tensor in desc.tensors():
        check_tensor(tensor, stride_used=not is_bias(desc, tensor), addr_w=addr_w)


def is_bias(desc: Descriptor, tensor: Tensor) -> bool:
    return desc.opcode == Opcode.MATMUL and tensor.slot == MatmulSlot.BIAS


def check_tensor(tensor: Tensor, stride_used: bool, addr_w: int) -> None:
    if tensor.address % TENSOR_ALIGN or tensor.stride % TENSOR_ALIGN:
        raise Fault(Error.ALIGN, tensor.address)
    if stride_used and not tensor.row_bytes <= tensor.stride <= STRIDE_MAX:
        raise Fault(Error.STRIDE, tensor.address)
    if tensor.end > 1 << addr_w:
        raise Fault(Error.RANGE, tensor.address)


def flags_legal(words: tuple[int, ...], desc: Descriptor) -> bool:
    """No reserved bit, unused word or unused slot is set, and PRUNE has something to write."""
    opcode, flags = desc.opcode, desc.flags
    if flags & ~LEGAL_FLAGS[opcode]:
        return False
    if opcode == Opcode.PRUNE and not flags & (PruneFlag.FF | PruneFlag.BP):
        return False
    used_bits = word_masks(opcode, flags)
    # Which slots are in use follows from the flags and from whether N = M; legal numbers stand in
    # for n and m, which are checked later.
    stand_in = replace(desc, n=1, m=1 if desc.n == desc.m else 2)
    for tensor in stand_in.tensors():
        at = SLOT_WORD + SLOT_WORDS * tensor.slot
        used_bits[at : at + SLOT_WORDS] = [0xFFFFFFFF] * SLOT_WORDS
    if opcode == Opcode.MATMUL and flags & MatmulFlag.BIAS:
        used_bits[SLOT_WORD + SLOT_WORDS * MatmulSlot.BIAS + 2] = 0  # a vector has no stride
    return not any(word & ~used for word, used in zip(words, used_bits))


def word_masks(opcode: int, flags: int) -> list[int]:
    """The bits of each word that may be set, tensor slots apart."""
    masks = [0] * WORDS

    def allow(*names: str) -> None:
        for name in names:
            word, low, bits = FIELDS[name]
            masks[word] |= ((1 << bits) - 1) << low

    allow("OPCODE", "FLAGS")
    if opcode != Opcode.FENCE:
        allow("N", "M", "OVERLAP")
    for name in SIZES[opcode]:
        masks[SIZE_WORDS[name]] = 0xFFFFFFFF
    if opcode == Opcode.UPDATE:
        allow("INV_SCALE", "MOMENTUM", "LR")
        if flags & UpdateFlag.DECAY:
            allow("DECAY")
    return masks
