# SPDX-License-Identifier: Apache-2.0
"""Random programs: descriptors and a memory image, legal, free of hazards, any numbers.

Tensors are laid out with gaps and slack in their strides, and every other byte of the memory is
random too, so that a stray write or a read beyond a tensor shows. A program depends only on its
seed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from sat_golden import stimulus
from sat_golden.command_model import ENGINE_OF
from sat_golden.compress import compressed_rows
from sat_golden.defs import (
    DESC_BYTES,
    MATMUL_MAP_BITS,
    MATMUL_MAP_LSB,
    TENSOR_ALIGN,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PruneFlag,
    UpdateFlag,
)
from sat_golden.descriptor import NIBBLE, Descriptor, Slot, aligned
from tb.common.rng import make_rng
from tb.common.runner import DEFAULT_SEED

LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]
NUMBERS = ("ordinary", "mixed", "bits", "tied", "tiny", "huge")
MATMUL_FLAGS = [sum(flag for bit, flag in enumerate(MatmulFlag) if choice >> bit & 1)
                for choice in range(1 << len(MatmulFlag))]
# All of them; no shape tells those from 3 on apart from each other, so these come less often.
MAP_HINTS = [0, 1, 2] * 3 + list(range(1 << MATMUL_MAP_BITS))

# Above 4 GB, so that addresses need their upper word.
BASE = 0x12_3400_0000
SIZE = 1 << 20


@dataclass
class Program:
    """A program of `length` descriptors at `address`, in a memory `image` that begins at `base`."""

    base: int
    image: np.ndarray
    address: int
    length: int
    descriptors: list[Descriptor]

    def __str__(self) -> str:
        return "; ".join(describe(desc) for desc in self.descriptors)

    def where(self, address: int) -> str:
        """What lies at an address."""
        for index, desc in enumerate(self.descriptors):
            for tensor in desc.tensors():
                row, byte = divmod(address - tensor.address, tensor.stride or SIZE)
                if 0 <= row < tensor.rows and byte < tensor.row_bytes:
                    return f"command {index} slot {tensor.slot} row {row} byte {byte}"
        return "no tensor"


def describe(desc: Descriptor) -> str:
    """One command in a line's part."""
    sizes = "x".join(str(x) for x in (desc.rows, desc.cols, desc.depth) if x)
    return (f"{Opcode(desc.opcode).name} {sizes} {desc.n}:{desc.m} flags {desc.flags:#x}"
            f"{' overlap' if desc.overlap else ''}")


def draw_numbers(rng: np.random.Generator, kind: str, count: int, bits: int) -> np.ndarray:
    """`count` FP16 or FP32 patterns of a class of NUMBERS (indices: any bits)."""
    if bits == NIBBLE:
        return stimulus.random_bits(rng, (count + 1) // 2, np.uint8)
    dtype, single = (np.uint32, True) if bits == 32 else (np.uint16, False)
    specials = stimulus.FP32_SPECIALS if single else stimulus.FP16_SPECIALS
    ordinary = (stimulus.ordinary_fp32 if single else stimulus.ordinary_fp16)(rng, count)
    if kind == "ordinary":
        return ordinary
    if kind == "mixed":
        return np.where(rng.random(count) < 0.1, rng.choice(specials, count), ordinary)
    if kind == "bits":
        return stimulus.random_bits(rng, count, dtype)
    if kind == "tied":  # few magnitudes, both signs, many zeros
        few = np.array([0.0, 0.0, 1.0, -1.0, 0.5, -0.5, -0.0])
        floats = rng.choice(few, count).astype(np.float32 if single else np.float16)
        return floats.view(dtype)
    scale = {"tiny": 2.0**-12, "huge": 2.0**13}[kind]
    floats = rng.standard_normal(count) * scale
    return floats.astype(np.float32 if single else np.float16).view(dtype)


@dataclass(frozen=True)
class Made:
    """An FP16 matrix [rows][cols] that an earlier command writes. If it is a W_FF, it stands for
    `depth` rows, N:M compressed."""

    by: Opcode
    values: Slot
    rows: int
    cols: int
    indices: Slot | None = None
    n: int = 0
    m: int = 0
    depth: int = 0


@dataclass
class ProgramWriter:
    """Collects commands, placing their tensors one behind the other in a random image.

    With the chance `chained`, an operand of a MATMUL is what an earlier command made.
    """

    rng: np.random.Generator
    base: int = BASE
    size: int = SIZE
    chained: float = 0.0
    descriptors: list[Descriptor] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = stimulus.random_bits(self.rng, self.size, np.uint8)
        self.free = self.base
        self._sources: list[set[Opcode]] = []  # whose outputs each command reads

    def place(self, rows: int, cols: int, bits: int, kind: str | None = None) -> Slot:
        """Room for a tensor; `kind` fills it with numbers (else it keeps the random bytes)."""
        row_bytes = (cols * bits + 7) // 8
        stride = aligned(row_bytes) + TENSOR_ALIGN * int(self.rng.integers(0, 3))
        slot = Slot(self.free + TENSOR_ALIGN * int(self.rng.integers(0, 3)), stride)
        self.free = slot.address + rows * stride
        if self.free > self.base + self.size:
            raise MemoryError("the program's tensors do not fit the image")
        if kind is not None:
            for row in range(rows):
                at = slot.address + row * stride - self.base
                data = draw_numbers(self.rng, kind, cols, bits).view(np.uint8)
                self.image[at : at + row_bytes] = data[:row_bytes]
        return slot

    def pick(self, compressed: bool) -> Made | None:
        """Sometimes, something that an earlier command made."""
        known = [made for made in self.made if made.depth or not compressed]
        if known and self.rng.random() < self.chained:
            return known[self.rng.integers(len(known))]
        return None

    def matmul(self, i: int, j: int, k: int, n: int, m: int, flags: int, kind: str) -> None:
        """Sizes and N:M give way to those of an operand made earlier."""
        a, s = self.pick(compressed=False), self.pick(compressed=True)
        if s:
            j, k, n, m = s.cols, s.depth, s.n, s.m
        if a:
            shape = (a.cols, a.rows) if flags & MatmulFlag.A_TRANS else (a.rows, a.cols)
            if s and shape[1] != k:
                a = None
            else:
                i, k = shape
        q = compressed_rows(k, n, m)
        a_shape = (k, i) if flags & MatmulFlag.A_TRANS else (i, k)
        slots = {
            MatmulSlot.A: a.values if a else self.place(*a_shape, 16, kind),
            MatmulSlot.S_VALUES: s.values if s else self.place(q, j, 16, kind),
            MatmulSlot.C: self.place(i, j, 32 if flags & MatmulFlag.OUT_FP32 else 16),
        }
        if n != m:
            slots[MatmulSlot.S_INDICES] = s.indices if s else self.place(q, j, NIBBLE, kind)
        if flags & MatmulFlag.BIAS:
            slots[MatmulSlot.BIAS] = Slot(self.place(1, j, 32, kind).address, 0)
        for flag, slot in ((MatmulFlag.RESIDUAL, MatmulSlot.RESIDUAL),
                           (MatmulFlag.MASK, MatmulSlot.MASK)):
            if flags & flag:
                in_place = not flags & MatmulFlag.OUT_FP32 and self.rng.random() < 0.2
                slots[slot] = slots[MatmulSlot.C] if in_place else self.place(i, j, 16, kind)
        hint = int(self.rng.choice(MAP_HINTS)) << MATMUL_MAP_LSB
        self._add(Descriptor(Opcode.MATMUL, n, m, flags=flags | hint, rows=i, cols=j, depth=k,
                             slots=slots), {made.by for made in (a, s) if made})
        if not flags & MatmulFlag.OUT_FP32:
            self.made.append(Made(Opcode.MATMUL, slots[MatmulSlot.C], i, j))

    def weights(self, opcode: Opcode, rows: int, cols: int, n: int, m: int, flags: int,
                kind: str) -> None:
        """PRUNE or UPDATE."""
        update = opcode == Opcode.UPDATE
        half = not update and bool(flags & PruneFlag.SRC_FP16)
        slots = {0: self.place(rows, cols, 16 if half else 32, kind)}
        scalars = {}
        if update:
            slots |= {1: self.place(rows, cols, 32, kind), 2: self.place(rows, cols, 32, kind)}
            names = ["inv_scale", "momentum", "lr"]
            names += ["decay"] if flags & UpdateFlag.DECAY else []
            drawn = draw_numbers(self.rng, kind, len(names), 32)
            scalars = {name: int(bits) for name, bits in zip(names, drawn)}
        for flag, slot, x, y in ((PruneFlag.FF, 3, rows, cols), (PruneFlag.BP, 5, cols, rows)):
            if flags & flag:
                q = compressed_rows(x, n, m)
                slots[slot] = self.place(q, y, 16)
                if n != m:
                    slots[slot + 1] = self.place(q, y, NIBBLE)
                self.made.append(Made(opcode, slots[slot], q, y, slots.get(slot + 1), n, m, x))
        self._add(Descriptor(opcode, n, m, flags=flags, rows=rows, cols=cols, slots=slots,
                             **scalars))

    def fence(self, irq: bool) -> None:
        self._add(Descriptor(Opcode.FENCE, flags=FenceFlag.IRQ if irq else 0))

    def _add(self, desc: Descriptor, sources: set[Opcode] = frozenset()) -> None:
        self.descriptors.append(desc)
        self._sources.append(sources)

    def finish(self) -> Program:
        """Lets commands of different engines overlap at random, and writes the descriptors.

        Every command writes tensors of its own, so it must wait only for what it reads, and only
        if the other engine made that.
        """
        address = -(-self.free // DESC_BYTES) * DESC_BYTES
        if address + len(self.descriptors) * DESC_BYTES > self.base + self.size:
            raise MemoryError("the program does not fit the image")
        for index, desc in enumerate(self.descriptors):
            if desc.opcode != Opcode.FENCE:
                engine = ENGINE_OF[desc.opcode]
                waits = any(ENGINE_OF[source] != engine for source in self._sources[index])
                desc = replace(desc, overlap=not waits and self.rng.random() < 0.7)
                self.descriptors[index] = desc
            at = address - self.base + index * DESC_BYTES
            self.image[at : at + DESC_BYTES] = np.frombuffer(desc.pack(), np.uint8)
        return Program(self.base, self.image, address, len(self.descriptors), self.descriptors)


def each_seed(batch: int, count: int) -> range:
    """The seeds of a test's batch: consecutive, and the first of batch 0 is the run's seed."""
    first = int(os.environ.get("SEED") or DEFAULT_SEED) + batch * count
    return range(first, first + count)


def dealt(seed: int, deck: list, name: str):
    """The seed's card of a shuffled deck: consecutive seeds, twice as many as cards, get all."""
    rng = make_rng(f"{name} {seed // len(deck)}", 0)
    return deck[rng.permutation(len(deck))[seed % len(deck)]]


def add_random_matmul(writer: ProgramWriter, limit: int) -> None:
    """A MATMUL with sides 1..limit, any legal N:M, epilogue and numbers."""
    rng = writer.rng
    i, j, k = (int(x) for x in rng.integers(1, limit + 1, 3))
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags = MATMUL_FLAGS[rng.integers(len(MATMUL_FLAGS))]
    writer.matmul(i, j, k, n, m, flags, str(rng.choice(NUMBERS)))


def add_random_weights(writer: ProgramWriter, limit: int) -> None:
    """A PRUNE or UPDATE of a matrix with sides 1..limit."""
    rng = writer.rng
    rows, cols = (int(x) for x in rng.integers(1, limit + 1, 2))
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    if rng.random() < 0.5:
        flags = int(rng.integers(1, 4)) | (PruneFlag.SRC_FP16 if rng.random() < 0.5 else 0)
        writer.weights(Opcode.PRUNE, rows, cols, n, m, flags, str(rng.choice(NUMBERS)))
    else:
        flags = int(rng.integers(0, 4)) | (int(rng.integers(0, 4)) << 3)
        writer.weights(Opcode.UPDATE, rows, cols, n, m, flags, str(rng.choice(NUMBERS)))


def random_program(rng: np.random.Generator, commands: int, limit: int, base: int = BASE,
                   size: int = SIZE, matmul_share: float = 0.6, chained: float = 0.0) -> Program:
    """`commands` random commands with sides up to `limit`."""
    writer = ProgramWriter(rng, base, size, chained)
    for _ in range(commands):
        draw = rng.random()
        if draw < 0.1:
            writer.fence(bool(rng.random() < 0.5))
        elif draw < 0.1 + 0.9 * matmul_share:
            add_random_matmul(writer, limit)
        else:
            add_random_weights(writer, limit)
    return writer.finish()


def matmul_program(seed: int, limit: int = 80) -> Program:
    """One MATMUL. 128 consecutive seeds have every N:M, every set of flags, every kind of numbers.
    """
    writer = ProgramWriter(make_rng("matmul", seed))
    i, j, k = (int(x) for x in writer.rng.integers(1, limit + 1, 3))
    n, m = dealt(seed, LEGAL_NM, "nm")
    flags = dealt(seed, MATMUL_FLAGS, "flags")
    writer.matmul(i, j, k, n, m, flags, dealt(seed, NUMBERS, "numbers"))
    return writer.finish()


def mixed_program(seed: int, most: int = 12, limit: int = 60) -> Program:
    """1..most commands of all kinds that use each other's results."""
    rng = make_rng("mixed", seed)
    return random_program(rng, int(rng.integers(1, most + 1)), limit, chained=0.4)


class Large(NamedTuple):
    """Ranges of I, J, K."""

    i: tuple[int, int]
    j: tuple[int, int]
    k: tuple[int, int]
    nm: list[tuple[int, int]] = LEGAL_NM


# A long reduction, sparse or dense, a tall, a wide and a bulky product.
LARGE = [Large((1, 40), (1, 40), (500, 2000)),
         Large((20, 40), (1, 12), (4200, 6000), [(n, n) for n in (2, 4, 8, 16)]),
         Large((300, 1200), (1, 40), (1, 100)),
         Large((1, 40), (300, 1200), (1, 100)),
         Large((60, 250), (60, 250), (60, 250))]
LARGE_SIZE = 4 << 20
LARGE_MACS = 1_500_000


def large_program(seed: int) -> Program:
    """One MATMUL that does not fit the scratchpads, of at most LARGE_MACS multiply-adds."""
    writer = ProgramWriter(make_rng("large", seed), size=LARGE_SIZE)
    rng = writer.rng
    kind = dealt(seed, LARGE, "large")
    n, m = kind.nm[rng.integers(len(kind.nm))]
    macs = None
    while macs is None or macs > LARGE_MACS:
        i, j, k = (int(rng.integers(low, high + 1)) for low, high in (kind.i, kind.j, kind.k))
        macs = i * j * compressed_rows(k, n, m)
    flags = MATMUL_FLAGS[rng.integers(len(MATMUL_FLAGS))]
    writer.matmul(i, j, k, n, m, flags, str(rng.choice(NUMBERS)))
    return writer.finish()
