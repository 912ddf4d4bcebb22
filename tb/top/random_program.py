# SPDX-License-Identifier: Apache-2.0
"""Random programs: descriptors and a memory image, legal, free of hazards, any numbers.

Tensors are laid out with gaps and slack in their strides, and every other byte of the memory is
random too, so that a stray write or a read beyond a tensor shows. A program depends only on its
seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sat_golden import Windows, stimulus
from sat_golden.command_model import ENGINE_OF
from sat_golden.compress import compressed_rows
from sat_golden.defs import (
    DESC_BYTES,
    MATMUL_ROW_INTERLEAVE_BITS,
    MATMUL_ROW_INTERLEAVE_LSB,
    TENSOR_ALIGN,
    AffineFlag,
    AffineSlot,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolFlag,
    PoolSlot,
    PruneFlag,
    PruneSlot,
    StatsFlag,
    StatsSlot,
    UpdateFlag,
)
from sat_golden.descriptor import Descriptor, Slot, aligned
from sat_golden.operands import NIBBLE
from sat_golden.tensors import tensors_of
from tb.common.rng import make_rng
from tb.common.runner import DEFAULT_SEED
from tb.top.random_windows import (
    KERNELS,
    KINDS,
    POOL_KERNELS,
    TRIES,
    Limits,
    draw_grid,
    draw_windows,
    factor,
    limits_of,
)

LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]
NUMBERS = ("ordinary", "mixed", "bits", "tied", "tiny", "huge")
EPILOGUE_FLAGS = [sum(flags) for flags in product(*(
    (0, flag) for flag in MatmulFlag if flag not in (MatmulFlag.A_TRANS, MatmulFlag.CONV)))]
MATMUL_FLAGS = [trans | flags for trans in (0, MatmulFlag.A_TRANS) for flags in EPILOGUE_FLAGS]
# All of them; no shape tells those from 3 on apart from each other, so these come less often.
ROW_INTERLEAVES = [0, 1, 2] * 3 + list(range(1 << MATMUL_ROW_INTERLEAVE_BITS))

# Above 4 GB, so that addresses need their upper word.
BASE = 0x12_3400_0000
SIZE = 1 << 20
ADDR_W = 40


class Placement(NamedTuple):
    """Rows that lie together: a tensor, or several that are stacked."""

    address: int
    stride: int
    rows: int
    row_bytes: int


@dataclass
class Program:
    """A program of `length` descriptors at `address`, in a memory `image` that begins at `base`.

    With `tags` (SimBackend.place) the lines of the image lie anywhere, and `linear` is the same
    program in one piece.
    """

    base: int
    image: np.ndarray
    address: int
    length: int
    descriptors: list[Descriptor]
    placements: list[Placement] = field(default_factory=list)
    tags: np.ndarray | None = None
    linear: Program | None = None

    def __str__(self) -> str:
        return "; ".join(describe(desc) for desc in self.descriptors)

    def where(self, address: int) -> str:
        """What lies at an address of the program in one piece."""
        for index, desc in enumerate((self.linear or self).descriptors):
            for tensor in tensors_of(desc):
                row, byte = divmod(address - tensor.address, tensor.stride or SIZE)
                if 0 <= row < tensor.rows and byte < tensor.row_bytes:
                    return f"command {index} slot {tensor.slot} row {row} byte {byte}"
        return "no tensor"


def describe(desc: Descriptor) -> str:
    """One command in a line's part."""
    sizes = "x".join(str(x) for x in (desc.rows, desc.cols, desc.depth) if x)
    ratio = f" {desc.n}:{desc.m}" if desc.m else ""
    return (f"{Opcode(desc.opcode).name} {sizes}{ratio} flags {desc.flags:#x}"
            f"{f' {desc.windows}' if desc.has_windows else ''}"
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
    `depth` rows, N:M compressed; if it is a feature map, for a `grid` of pixels (images, height,
    width)."""

    by: Opcode
    values: Slot
    rows: int
    cols: int
    indices: Slot | None = None
    n: int = 0
    m: int = 0
    depth: int = 0
    grid: tuple[int, int, int] | None = None


@dataclass
class ProgramWriter:
    """Collects commands, placing their tensors one behind the other in a random image.

    With the chance `chained`, an operand is what an earlier command made.
    """

    rng: np.random.Generator
    base: int = BASE
    size: int = SIZE
    chained: float = 0.0
    descriptors: list[Descriptor] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    sums: list[tuple[Slot, int]] = field(default_factory=list)  # of STATS, and their columns

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
        self.placements.append(Placement(slot.address, stride, rows, row_bytes))
        if kind is not None:
            data = draw_numbers(self.rng, kind, rows * row_bytes * 8 // bits, bits)
            room = self.image[slot.address - self.base :]
            as_strided(room, (rows, row_bytes), (stride, 1))[:] = data.view(np.uint8).reshape(
                rows, row_bytes)
        return slot

    def vector(self, cols: int, kind: str | None, sources: set[Opcode] | None = None) -> Slot:
        """Room for an FP32 number per column; with `sources` sometimes what a STATS made."""
        known = [slot for slot, width in self.sums if width == cols] if sources is not None else []
        if known and self.rng.random() < self.chained:
            sources.add(Opcode.STATS)
            return known[self.rng.integers(len(known))]
        return Slot(self.place(1, cols, 32, kind).address, 0)

    def pick(self, suits: Callable[[Made], bool] = lambda made: True) -> Made | None:
        """Sometimes, something suitable that an earlier command made."""
        known = [made for made in self.made if suits(made)]
        if known and self.rng.random() < self.chained:
            return known[self.rng.integers(len(known))]
        return None

    def feature_map(self, rows: int, cols: int, kind: str, sources: set[Opcode],
                    made: Made | None = None) -> Slot:
        """A matrix [rows][cols]: `made`, or another of this shape, or a new one."""
        made = made or self.pick(lambda made: (made.rows, made.cols) == (rows, cols))
        if made is None:
            return self.place(rows, cols, 16, kind)
        sources.add(made.by)
        return made.values

    def matmul(self, i: int, j: int, k: int, n: int, m: int, flags: int, kind: str) -> None:
        """Sizes and N:M give way to those of an operand made earlier."""
        a, s = self.pick(), self.pick(lambda made: made.depth)
        if s:
            j, k, n, m = s.cols, s.depth, s.n, s.m
        if a:
            shape = (a.cols, a.rows) if flags & MatmulFlag.A_TRANS else (a.rows, a.cols)
            if s and shape[1] != k:
                a = None
            else:
                i, k = shape
        a_shape = (k, i) if flags & MatmulFlag.A_TRANS else (i, k)
        slots = {MatmulSlot.A: a.values if a else self.place(*a_shape, 16, kind)}
        desc = Descriptor(Opcode.MATMUL, n, m, flags=flags, rows=i, cols=j, depth=k)
        self._finish_product(desc, i, compressed_rows(k, n, m), slots, s, kind,
                             {a.by} if a else set())

    def conv(self, windows: Windows, channels: int, j: int, n: int, m: int, flags: int, kind: str,
             a: Made | None = None, s: Made | None = None) -> None:
        """`a` and `s` are operands of the right shape (s: all positions), made earlier."""
        trans = bool(flags & MatmulFlag.A_TRANS)
        positions = windows.positions
        sources = {a.by} if a else set()
        slots = {MatmulSlot.A: a.values if a else self.place(windows.pixels, channels, 16, kind)}
        q = (compressed_rows(windows.count, n, m) if trans
             else positions * compressed_rows(channels, n, m))
        desc = Descriptor(Opcode.MATMUL, n, m, flags=flags | MatmulFlag.CONV, cols=j,
                          depth=channels, **windows.fields())
        grid = None if trans else (windows.images, windows.out_h, windows.out_w)
        self._finish_product(desc, positions * channels if trans else windows.count, q, slots, s,
                             kind, sources, grid)

    def _finish_product(self, desc: Descriptor, i: int, q: int, slots: dict[int, Slot],
                        s: Made | None, kind: str, sources: set[Opcode],
                        grid: tuple[int, int, int] | None = None) -> None:
        """Adds a MATMUL of `i` rows of C and `q` rows of S; `slots` holds A."""
        j, flags, sources = desc.cols, desc.flags, set(sources)
        single = bool(flags & MatmulFlag.OUT_FP32)
        slots[MatmulSlot.S_VALUES] = s.values if s else self.place(q, j, 16, kind)
        slots[MatmulSlot.C] = self.place(i, j, 32 if single else 16)
        if s:
            sources.add(s.by)
        if desc.n != desc.m:
            slots[MatmulSlot.S_INDICES] = s.indices if s else self.place(q, j, NIBBLE, kind)
        if flags & MatmulFlag.BIAS:
            slots[MatmulSlot.BIAS] = self.vector(j, kind, sources)
        for flag, slot in ((MatmulFlag.RESIDUAL, MatmulSlot.RESIDUAL),
                           (MatmulFlag.MASK, MatmulSlot.MASK)):
            if flags & flag:
                in_place = not single and self.rng.random() < 0.2
                slots[slot] = (slots[MatmulSlot.C] if in_place
                               else self.feature_map(i, j, kind, sources))
        hint = int(self.rng.choice(ROW_INTERLEAVES)) << MATMUL_ROW_INTERLEAVE_LSB
        self.add(replace(desc, flags=flags | hint, slots=slots), sources)
        if not single:
            self.made.append(Made(Opcode.MATMUL, slots[MatmulSlot.C], i, j, grid=grid))

    def kernel(self, positions: int, channels: int, cols: int, n: int, m: int, kind: str) -> Made:
        """One PRUNE per kernel position; W_FF of all positions is operand S of a `conv`."""
        q = compressed_rows(channels, n, m)
        values = self.place(positions * q, cols, 16)
        indices = self.place(positions * q, cols, NIBBLE) if n != m else None
        weights = self.place(positions * channels, cols, 32, kind)
        for position in range(positions):
            slots = {PruneSlot.W: rows_behind(weights, position * channels),
                     PruneSlot.FF_VALUES: rows_behind(values, position * q)}
            if indices:
                slots[PruneSlot.FF_INDICES] = rows_behind(indices, position * q)
            self.add(Descriptor(Opcode.PRUNE, n, m, flags=PruneFlag.FF, rows=channels, cols=cols,
                                slots=slots))
        return Made(Opcode.PRUNE, values, positions * q, cols, indices, n, m)

    def affine(self, rows: int, cols: int, flags: int, kind: str, out: str = "own",
               x: Made | None = None) -> None:
        """OUT is a matrix of its "own", or that of "X" or "Y" (which nobody made, then: another
        command might be reading it)."""
        sources: set[Opcode] = set()

        def operand(name: str, made: Made | None = None) -> Slot:
            if out == name:
                return self.place(rows, cols, 16, kind)
            return self.feature_map(rows, cols, kind, sources, made)

        slots = {AffineSlot.X: operand("X", x),
                 AffineSlot.ALPHA: self.vector(cols, kind, sources),
                 AffineSlot.GAMMA: self.vector(cols, kind, sources)}
        if flags & AffineFlag.SECOND:
            slots[AffineSlot.Y] = operand("Y")
            slots[AffineSlot.BETA] = self.vector(cols, kind, sources)
        slots[AffineSlot.OUT] = (self.place(rows, cols, 16) if out == "own"
                                 else slots[AffineSlot[out]])
        self.add(Descriptor(Opcode.AFFINE, flags=flags, rows=rows, cols=cols, slots=slots),
                 sources)
        self.made.append(Made(Opcode.AFFINE, slots[AffineSlot.OUT], rows, cols,
                              grid=x.grid if x else None))

    def stats(self, rows: int, cols: int, flags: int, kind: str, same: bool = False,
              x: Made | None = None) -> None:
        """With `same`, Y is X."""
        sources: set[Opcode] = set()
        slots = {StatsSlot.X: self.feature_map(rows, cols, kind, sources, x)}
        if flags & StatsFlag.SECOND:
            slots[StatsSlot.Y] = (slots[StatsSlot.X] if same
                                  else self.feature_map(rows, cols, kind, sources))
        for slot in (StatsSlot.SUM, StatsSlot.DOT):
            slots[slot] = self.vector(cols, None)
            self.sums.append((slots[slot], cols))
        self.add(Descriptor(Opcode.STATS, flags=flags, rows=rows, cols=cols, slots=slots), sources)

    def pool(self, windows: Windows, channels: int, kind: str, x: Made | None = None) -> Slot:
        """Forward; returns where the winners are."""
        sources: set[Opcode] = set()
        slots = {
            PoolSlot.X: self.feature_map(windows.pixels, channels, kind, sources, x),
            PoolSlot.OUT: self.place(windows.count, channels, 16),
            PoolSlot.WINNER: self.place(windows.count, channels, NIBBLE),
        }
        self._add_pool(windows, channels, 0, slots, sources)
        return slots[PoolSlot.WINNER]

    def pool_backward(self, windows: Windows, channels: int, kind: str, winner: Slot | None = None,
                      d_out: Made | None = None) -> None:
        """Any winners, or those of an earlier `pool`."""
        sources = {Opcode.POOL} if winner else set()
        slots = {
            PoolSlot.X: self.feature_map(windows.pixels, channels, kind, sources, d_out),
            PoolSlot.OUT: self.place(windows.count, channels, 16),
            PoolSlot.WINNER: winner or self.place(windows.pixels, channels, NIBBLE, kind),
        }
        self._add_pool(windows, channels, PoolFlag.BACKWARD, slots, sources)

    def _add_pool(self, windows: Windows, channels: int, flags: int, slots: dict[int, Slot],
                  sources: set[Opcode]) -> None:
        self.add(Descriptor(Opcode.POOL, flags=flags, cols=channels, slots=slots,
                            **windows.fields()), sources)
        self.made.append(Made(Opcode.POOL, slots[PoolSlot.OUT], windows.count, channels,
                              grid=(windows.images, windows.out_h, windows.out_w)))

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
        self.add(Descriptor(opcode, n, m, flags=flags, rows=rows, cols=cols, slots=slots,
                            **scalars))

    def fence(self, irq: bool) -> None:
        self.add(Descriptor(Opcode.FENCE, flags=FenceFlag.IRQ if irq else 0))

    def add(self, desc: Descriptor, sources: set[Opcode] = frozenset()) -> None:
        """A command that reads what these made."""
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
        return Program(self.base, self.image, address, len(self.descriptors), self.descriptors,
                       self.placements)


def rows_behind(slot: Slot, rows: int) -> Slot:
    """The part of a tensor that begins some rows further."""
    return replace(slot, address=slot.address + rows * slot.stride)


def draw_base(rng: np.random.Generator, size: int = SIZE) -> int:
    """Where a memory of `size` bytes begins: anywhere. Half of them lie across a multiple of a
    large power of two, so that additions carry far; some end where the address space does."""
    base = int(rng.integers(1 << ADDR_W))
    if rng.random() < 0.5:
        unit = 1 << int(rng.integers(size.bit_length(), ADDR_W + 1))
        behind = int(rng.integers(size)) >> int(rng.integers(6))
        base = -(-base // unit) * unit - behind
    return min(max(base, 0), (1 << ADDR_W) - size) // TENSOR_ALIGN * TENSOR_ALIGN


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


class Conv(NamedTuple):
    """A case of convolution: the kind of its windows, and what distinguishes the passes."""

    kind: str
    a_trans: bool
    step_log2: int
    dilation_log2: int


CONVS = [Conv(*case) for case in product(KINDS, (False, True), range(3), range(2))]
CONV_LIMITS = Limits(rows=400, taps=6000, matrix=1000, channels=40, macs=300_000)


def draw_case(rng: np.random.Generator, limits: Limits, kernels: list[tuple[int, int]], kind: str,
              step_log2: int, dilation_log2: int, made: Made | None = None,
              ) -> tuple[Windows, int, int] | None:
    """Windows, channels and columns within limits; of a map made earlier, if there is a case."""
    for _ in range(TRIES):
        grid = draw_grid(rng)
        if made:
            grid = made.grid or factor(rng, made.rows)
        kernel = kernels[rng.integers(len(kernels))]
        windows = draw_windows(rng, kind, kernel, step_log2, dilation_log2, grid)
        channels, cols = (int(x) for x in rng.integers(1, limits.channels + 1, 2))
        channels = made.cols if made else channels
        if windows and limits.allow(windows, channels, cols):
            return windows, channels, cols
    return None


def draw_layer(writer: ProgramWriter, limits: Limits, kernels: list[tuple[int, int]],
               ) -> tuple[Made | None, tuple[Windows, int, int]]:
    """A map made earlier, or None, and a random case on it."""
    rng = writer.rng
    kind, step, dilation = str(rng.choice(KINDS)), int(rng.integers(3)), int(rng.integers(2))
    made = writer.pick()
    case = made and draw_case(rng, limits, kernels, kind, step, dilation, made)
    if case:
        return made, case
    case = draw_case(rng, limits, kernels, kind, step, dilation)
    return None, case or (Windows(1, 1, 1, 1, 1), 1, 1)


def add_random_conv(writer: ProgramWriter, limit: int) -> None:
    """A convolution about as large as products with sides up to `limit`; sometimes with a kernel
    that is pruned first."""
    rng = writer.rng
    a, (windows, channels, cols) = draw_layer(writer, limits_of(limit), KERNELS)
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags, kind = MATMUL_FLAGS[rng.integers(len(MATMUL_FLAGS))], str(rng.choice(NUMBERS))
    s = None
    if not flags & MatmulFlag.A_TRANS and windows.positions <= 4:
        s = writer.kernel(windows.positions, channels, cols, n, m, kind)
    writer.conv(windows, channels, cols, n, m, flags, kind, a, s)


def add_random_feature(writer: ProgramWriter, limit: int) -> None:
    """AFFINE, STATS or POOL (forward, backward, or both)."""
    rng = writer.rng
    kind, draw, flags = str(rng.choice(NUMBERS)), rng.random(), int(rng.integers(4))
    if draw < 0.4:
        d_out, (windows, channels, _) = draw_layer(writer, limits_of(limit), POOL_KERNELS)
        if draw < 0.1:
            writer.pool_backward(windows, channels, kind, d_out=d_out)
            return
        winner = writer.pool(windows, channels, kind, d_out)
        back = transposed(windows)
        if draw < 0.25 and back:
            writer.pool_backward(back, channels, kind, winner)
        return
    x = writer.pick()
    rows, cols = (x.rows, x.cols) if x else (int(y) for y in rng.integers(1, limit + 1, 2))
    if draw < 0.7:
        out = str(rng.choice(["own", "X", "Y"] if flags & AffineFlag.SECOND else ["own", "X"]))
        writer.affine(rows, cols, flags, kind, out, x)
    else:
        writer.stats(rows, cols, flags & StatsFlag.SECOND, kind, bool(flags & 2), x)


def transposed(windows: Windows) -> Windows | None:
    """Those of the gradient, where a descriptor can say them."""
    try:
        back = windows.transposed()
    except ValueError:
        return None
    return back if max(back.pad_top, back.pad_left) <= 15 else None


def random_program(rng: np.random.Generator, commands: int, limit: int, base: int = BASE,
                   size: int = SIZE, matmul_share: float = 0.6, chained: float = 0.0,
                   fences: int = 0) -> Program:
    """About `commands` random commands with sides up to `limit`, `matmul_share` of them for the
    array, after `fences` FENCEs."""
    writer = ProgramWriter(rng, base, size, chained)
    for _ in range(fences):
        writer.fence(bool(rng.random() < 0.5))
    for _ in range(commands):
        if rng.random() < 0.1:
            writer.fence(bool(rng.random() < 0.5))
        elif rng.random() < matmul_share:
            (add_random_conv if rng.random() < 0.4 else add_random_matmul)(writer, limit)
        else:
            (add_random_feature if rng.random() < 0.5 else add_random_weights)(writer, limit)
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


def conv_program(seed: int) -> Program:
    """One convolution. 72 consecutive seeds have every case of CONVS, every kernel, N:M, epilogue
    and kind of numbers."""
    writer = ProgramWriter(make_rng("conv", seed))
    case, kernel = dealt(seed, CONVS, "convs"), dealt(seed, KERNELS, "kernels")
    drawn = draw_case(writer.rng, CONV_LIMITS, [kernel], case.kind, case.step_log2,
                      case.dilation_log2)
    windows, channels, cols = drawn
    flags = dealt(seed, EPILOGUE_FLAGS, "epilogues") | MatmulFlag.A_TRANS * case.a_trans
    n, m = dealt(seed, LEGAL_NM, "nm")
    writer.conv(windows, channels, cols, n, m, flags, dealt(seed, NUMBERS, "numbers"))
    return writer.finish()


# AFFINE with its flags and the place of OUT, STATS with and without Y, POOL with the kind of its
# windows.
FEATURES = [
    *(("affine", flags, out) for flags in range(4) for out in ("own", "X", "Y")
      if out != "Y" or flags & AffineFlag.SECOND),
    ("stats", 0, False), ("stats", StatsFlag.SECOND, False), ("stats", StatsFlag.SECOND, True),
    *((name, kind) for name in ("pool", "pool backward") for kind in KINDS),
]
FEATURE_LIMITS = Limits(rows=300, taps=4000, matrix=1500, channels=140, macs=10**9)


def feature_program(seed: int) -> Program:
    """AFFINE, STATS or POOL, forward with its gradient. Twice as many consecutive seeds as FEATURES
    have them all, and every kind of numbers."""
    writer = ProgramWriter(make_rng("feature", seed))
    rng = writer.rng
    name, *options = dealt(seed, FEATURES, "features")
    kind = dealt(seed, NUMBERS, "numbers")
    if not name.startswith("pool"):
        rows, cols = int(rng.integers(1, 301)), int(rng.integers(1, rng.choice([71, 71, 301])))
        flags, how = options
        (writer.affine if name == "affine" else writer.stats)(rows, cols, flags, kind, how)
        return writer.finish()
    windows, channels, _ = draw_case(rng, FEATURE_LIMITS, POOL_KERNELS, options[0],
                                     int(rng.integers(3)), int(rng.integers(2)))
    if name == "pool backward":
        writer.pool_backward(windows, channels, kind)
        return writer.finish()
    winner = writer.pool(windows, channels, kind)
    back = transposed(windows)
    if back:
        writer.pool_backward(back, channels, kind, winner)
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
LARGE = [Large((1, 40), (65, 100), (500, 2000)),
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
