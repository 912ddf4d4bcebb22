# SPDX-License-Identifier: Apache-2.0
"""Descriptors: their 128 bytes, the tensors they name, the checks (docs/reference/commands.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

import numpy as np

from .arguments import integer
from .compress import LEGAL_M, compressed_rows, padded_rows
from .defs import (
    DESC_BYTES,
    FIELDS,
    FIELDS_USED,
    LEGAL_FLAGS,
    POOL_POSITIONS_MAX,
    REQUIRED_FLAGS,
    SIZE_MAX,
    SLOT_WORD,
    SLOT_WORDS,
    SLOTS,
    STRIDE_MAX,
    TENSOR_ALIGN,
    WINDOW_FIELDS,
    Error,
    Opcode,
)
from .operands import OPERANDS
from .windows import Windows

WORDS = DESC_BYTES // 4
# A size is a whole word: anything in its upper half is too large.
SIZE_WORDS = {name: FIELDS[name][0] for name in ("ROWS", "COLS", "DEPTH")}
# What lies in the words of the windows when there are none.
SCALAR_FIELDS = ("DECAY", "MOMENTUM", "LR")


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
    """A tensor in memory: where it lies, its shape, and the bits of an element (16, 32 or 4).

    A `vector` has one row, and its stride must be zero. Of a map that is `seen_by` windows, the
    rows (pixels) that none of them sees are not read.
    """

    slot: int
    address: int
    stride: int
    rows: int
    cols: int
    bits: int
    read: bool = False
    written: bool = False
    vector: bool = False
    seen_by: Windows | None = None

    @property
    def row_bytes(self) -> int:
        return (self.cols * self.bits + 7) // 8

    @property
    def end(self) -> int:
        """First byte past the tensor."""
        return self.address + (self.rows - 1) * self.stride + self.row_bytes

    def rows_used(self) -> np.ndarray:
        """The rows that the command reads or writes, in ascending order."""
        return np.arange(self.rows) if self.seen_by is None else self.seen_by.seen()

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
    The fields from `map_h` on belong to commands with windows (``**windows.fields()`` gives them
    and `rows`). `slots` maps slot numbers (MatmulSlot, ...) to `Slot`.
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
    map_h: int = 0
    map_w: int = 0
    out_h: int = 0
    out_w: int = 0
    kernel_h: int = 0
    kernel_w: int = 0
    step_log2: int = 0
    dilation_log2: int = 0
    upsample_log2: int = 0
    pad_top: int = 0
    pad_left: int = 0
    slots: dict[int, Slot] = field(default_factory=dict)

    def slot(self, number: int) -> Slot:
        return self.slots.get(number, UNUSED)

    @property
    def has_windows(self) -> bool:
        """Whether A or X is seen through windows."""
        return has_windows(self.opcode, self.flags)

    @property
    def windows(self) -> Windows:
        """The windows of a command that has them."""
        return Windows(self.rows, *(getattr(self, name.lower()) for name in WINDOW_FIELDS))

    @property
    def dense(self) -> bool:
        return self.n == self.m

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)

    def kept(self, rows: int) -> int:
        """What N:M leaves of `rows` rows."""
        return compressed_rows(rows, self.n, self.m)

    def padded(self, rows: int) -> int:
        """`rows` rounded up to whole groups."""
        return padded_rows(rows, self.n, self.m)

    def words(self) -> list[int]:
        """The 32 words. ValueError or TypeError name a field that its bits cannot hold."""
        words = [0] * WORDS
        for name, (word, low, bits) in FIELDS.items():
            value = getattr(self, name.lower())
            words[word] |= integer(name.lower(), value, 0, (1 << bits) - 1) << low
        for number, slot in self.slots.items():
            at = SLOT_WORD + SLOT_WORDS * integer("slots", number, 0, SLOTS - 1)
            address = integer(f"slots[{number}].address", slot.address, 0, (1 << 64) - 1)
            words[at : at + SLOT_WORDS] = [
                address & 0xFFFFFFFF, address >> 32,
                integer(f"slots[{number}].stride", slot.stride, 0, (1 << 32) - 1)
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
        # Words 4..7 are one or the other.
        absent = SCALAR_FIELDS if has_windows(values["opcode"], values["flags"]) else WINDOW_FIELDS
        for name in (*absent, "INV_SCALE" if values["opcode"] != Opcode.UPDATE else "DEPTH"):
            values[name.lower()] = 0
        values["overlap"] = bool(values["overlap"])
        slots = {number: slot_of(words, number) for number in range(SLOTS)}
        used = {number: slot for number, slot in slots.items() if slot != UNUSED}
        return cls(**values, slots=used)

    def tensors(self) -> list[Tensor]:
        """The tensors a command of known opcode, legal N:M and legal sizes uses, in slot order."""
        windows = self.windows if self.has_windows else None
        found = []
        for operand in OPERANDS[self.opcode](self):
            slot = self.slot(operand.slot)
            found.append(Tensor(operand.slot, slot.address, slot.stride, *operand.shape,
                                operand.bits, operand.read, operand.written, operand.vector,
                                windows if operand.seen else None))
        return found


def has_windows(opcode: int, flags: int) -> bool:
    """Whether words 5..7 of a command hold windows."""
    return "WINDOWS" in fields_used(opcode, flags)


def fields_used(opcode: int, flags: int) -> list[str]:
    """Fields that a command may set besides OPCODE and FLAGS; none of an unknown command."""
    return [name for name, when in FIELDS_USED.get(opcode, {}).items() if not when or flags & when]


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
    docs/reference/commands.md, "Errors".
    """
    words = unpack_words(data)
    desc = Descriptor.unpack(data)
    if desc.opcode not in list(Opcode):
        raise Fault(Error.OPCODE, address)
    if not flags_legal(words, desc):
        raise Fault(Error.FLAGS, address)
    if desc.opcode == Opcode.FENCE:
        return
    used = fields_used(desc.opcode, desc.flags)
    if "N" in used and (desc.m not in LEGAL_M or not 1 <= desc.n <= desc.m):
        raise Fault(Error.NM, address)
    sizes = [words[word] for name, word in SIZE_WORDS.items() if name in used]
    if desc.has_windows:
        sizes += window_sizes(desc)
    if not all(1 <= size <= SIZE_MAX for size in sizes):
        raise Fault(Error.SIZE, address)
    if desc.opcode == Opcode.POOL and desc.windows.positions > POOL_POSITIONS_MAX:
        raise Fault(Error.SIZE, address)
    for tensor in desc.tensors():
        check_tensor(tensor, addr_w)


def window_sizes(desc: Descriptor) -> list[int]:
    """What must lie in 1..65535 where there are windows. The rows of S then do so by themselves:
    P*Qc is greater than P*C only for C < 225, and then at most 225*225."""
    windows = desc.windows
    sizes = [windows.positions, windows.pixels, windows.count]
    if desc.opcode == Opcode.MATMUL:
        sizes.append(windows.positions * desc.depth)
    return sizes


def check_tensor(tensor: Tensor, addr_w: int) -> None:
    if tensor.address % TENSOR_ALIGN or tensor.stride % TENSOR_ALIGN:
        raise Fault(Error.ALIGN, tensor.address)
    if not tensor.vector and not tensor.row_bytes <= tensor.stride <= STRIDE_MAX:
        raise Fault(Error.STRIDE, tensor.address)
    if tensor.end > 1 << addr_w:
        raise Fault(Error.RANGE, tensor.address)


def flags_legal(words: tuple[int, ...], desc: Descriptor) -> bool:
    """No reserved bit, unused word or unused slot is set, and no flag is missing."""
    opcode, flags = desc.opcode, desc.flags
    if flags & ~LEGAL_FLAGS[opcode]:
        return False
    if opcode in REQUIRED_FLAGS and not flags & REQUIRED_FLAGS[opcode]:
        return False
    used_bits = word_masks(opcode, flags)
    # Which slots are in use follows from the flags and from whether N = M; legal numbers stand in
    # for n and m, which are checked later.
    stand_in = replace(desc, n=1, m=1 if desc.n == desc.m else 2)
    for tensor in stand_in.tensors():
        at = SLOT_WORD + SLOT_WORDS * tensor.slot
        stride_bits = 0 if tensor.vector else 0xFFFFFFFF
        used_bits[at : at + SLOT_WORDS] = [0xFFFFFFFF, 0xFFFFFFFF, stride_bits]
    return not any(word & ~used for word, used in zip(words, used_bits))


def word_masks(opcode: int, flags: int) -> list[int]:
    """The bits of each word that may be set, tensor slots apart."""
    masks = [0] * WORDS
    names = ["OPCODE", "FLAGS", *fields_used(opcode, flags)]
    if "WINDOWS" in names:
        names.remove("WINDOWS")
        names += WINDOW_FIELDS
    for name in names:
        word, low, bits = FIELDS[name]
        masks[word] |= 0xFFFFFFFF if name in SIZE_WORDS else ((1 << bits) - 1) << low
    return masks
