# SPDX-License-Identifier: Apache-2.0
"""Descriptors: the fields of a command, and its 128 bytes (docs/reference/commands.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .arguments import integer
from .compress import compressed_rows, padded_rows
from .defs import (
    DESC_BYTES,
    FIELDS,
    FIELDS_USED,
    SIGNED_FIELDS,
    SLOT_WORD,
    SLOT_WORDS,
    SLOTS,
    TENSOR_ALIGN,
    WINDOW_FIELDS,
    Opcode,
)
from .windows import Windows

WORDS = DESC_BYTES // 4
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

WORD_4: dict[int, str] = {Opcode.UPDATE: "INV_SCALE", Opcode.PRUNE: "LAYER"}  # else DEPTH


@dataclass(frozen=True)
class Descriptor:
    """A command. Fields that a command does not use stay zero.

    `flags` takes the IntFlags of `defs` (MatmulFlag, ...), for MATMUL also
    ``row_interleave << MATMUL_ROW_INTERLEAVE_LSB``. `inv_scale`, `decay`, `momentum`, `lr` are FP32
    bit patterns. The fields from `map_h` on belong to commands with windows
    (``**windows.fields()`` gives them and `rows`). `slots` maps slot numbers (MatmulSlot, ...) to
    `Slot`.
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
    layer: int = 0
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
            held = integer(name.lower(), value, *field_range(name))
            words[word] |= (held & (1 << bits) - 1) << low
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
        """The fields in 128 bytes; reserved bits are dropped (`checks` looks at them)."""
        words = unpack_words(data)
        values = {
            name.lower(): words[word] >> low & ((1 << bits) - 1)
            for name, (word, low, bits) in FIELDS.items()
        }
        for name in SIGNED_FIELDS:
            if values[name.lower()] > field_range(name)[1]:
                values[name.lower()] -= 1 << FIELDS[name][2]
        # Words 4..7 are one or the other.
        absent = SCALAR_FIELDS if has_windows(values["opcode"], values["flags"]) else WINDOW_FIELDS
        own = WORD_4.get(values["opcode"], "DEPTH")
        for name in (*absent, *({"DEPTH", *WORD_4.values()} - {own})):
            values[name.lower()] = 0
        overlap = bool(values.pop("overlap"))
        slots = {number: slot_of(words, number) for number in range(SLOTS)}
        used = {number: slot for number, slot in slots.items() if slot != UNUSED}
        return cls(**values, overlap=overlap, slots=used)


def field_range(name: str) -> tuple[int, int]:
    """The least and the largest number that a field holds."""
    values = 1 << FIELDS[name][2]
    return (-values // 2, values // 2 - 1) if name in SIGNED_FIELDS else (0, values - 1)


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
