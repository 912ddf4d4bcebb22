# SPDX-License-Identifier: Apache-2.0
"""Random programs: descriptors and a memory image, legal, free of hazards, any numbers.

Which slots a command uses, and what lies there, is what spec/commands.yaml says (OPERANDS,
IN_PLACE, the flags and fields); what is said here of single commands is what they have beyond it.
Tensors are laid out with gaps and slack in their strides, and every other byte of the memory is
random too, so that a stray write or a read beyond a tensor shows. A program depends only on its
seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sat_golden import Windows, stimulus
from sat_golden.command_model import ENGINE_OF
from sat_golden.compress import compressed_rows
from sat_golden.defs import (
    DESC_BYTES,
    FIELDS,
    IN_PLACE,
    LEGAL_FLAGS,
    MATMUL_ROW_INTERLEAVE_BITS,
    MATMUL_ROW_INTERLEAVE_LSB,
    REQUIRED_FLAGS,
    TENSOR_ALIGN,
    AffineSlot,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolFlag,
    PoolSlot,
    PruneFlag,
    PruneSlot,
    StatsSlot,
)
from sat_golden.descriptor import Descriptor, Slot, aligned, field_range, fields_used
from sat_golden.hazards import Command, command_hazards
from sat_golden.operands import HALF, NIBBLE, OPERANDS, SINGLE, Operand
from sat_golden.sampling import WORD_MAX
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
ROW_INTERLEAVE = (1 << MATMUL_ROW_INTERLEAVE_BITS) - 1 << MATMUL_ROW_INTERLEAVE_LSB


def subsets(mask: int) -> list[int]:
    return [flags for flags in range(mask + 1) if not flags & ~mask]


def flag_sets(opcode: Opcode) -> list[int]:
    """All that are legal."""
    required = REQUIRED_FLAGS.get(opcode, 0)
    return [flags for flags in subsets(LEGAL_FLAGS[opcode]) if flags & required or not required]


EPILOGUE_FLAGS = subsets(
    LEGAL_FLAGS[Opcode.MATMUL] & ~(MatmulFlag.A_TRANS | MatmulFlag.CONV | ROW_INTERLEAVE))
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
    seed: int = 0  # of samples, as the registers hold it, and the step beside it
    step: int = 0
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


def draw_word(rng: np.random.Generator) -> int:
    """32 bits: often none or all of them."""
    return int(rng.choice([0, WORD_MAX, int(rng.integers(WORD_MAX + 1))]))


def draw_numbers(rng: np.random.Generator, kind: str, count: int, bits: int) -> np.ndarray:
    """`count` FP16 or FP32 patterns of a class of NUMBERS (indices: any bits)."""
    if bits == NIBBLE:
        return stimulus.random_bits(rng, (count + 1) // 2, np.uint8)
    dtype, single = (np.uint32, True) if bits == SINGLE else (np.uint16, False)
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


class Made(NamedTuple):
    """A tensor that an earlier command writes; if it is a feature map, for a `grid` of pixels
    (images, height, width)."""

    operand: Operand
    slot: Slot
    grid: tuple[int, int, int] | None

    @property
    def rows(self) -> int:
        return self.operand.shape[0]

    @property
    def cols(self) -> int:
        return self.operand.shape[1]


class Sparse(NamedTuple):
    """What a PRUNE or UPDATE makes of a matrix [depth][cols]: operand S of a product."""

    n: int
    m: int
    depth: int
    cols: int
    slots: dict[int, Slot]

    @classmethod
    def of(cls, desc: Descriptor, values: int, indices: int, depth: int, cols: int) -> Sparse:
        """That in these slots of a command."""
        pairs = (MatmulSlot.S_VALUES, values), (MatmulSlot.S_INDICES, indices)
        return cls(desc.n, desc.m, depth, cols,
                   {slot: desc.slots[made] for slot, made in pairs if made in desc.slots})


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
    sparse: list[Sparse] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = stimulus.random_bits(self.rng, self.size, np.uint8)
        self.free = self.base
        self._makers: dict[int, int] = {}  # address -> opcode of the command that wrote there
        self._sources: list[set[int]] = []  # whose outputs each command reads

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

    def pick(self, suits: Callable[[Made], bool] = lambda made: made.operand.bits == HALF,
             ) -> Made | None:
        """Sometimes, something suitable that an earlier command made."""
        return self.sometimes([made for made in self.made if suits(made)])

    def sometimes(self, known: list) -> Any | None:
        if known and self.rng.random() < self.chained:
            return known[self.rng.integers(len(known))]
        return None

    def operand(self, operand: Operand, kind: str | None) -> Slot:
        """An input: sometimes what an earlier command made. An output: room of its own, so that
        nothing else ever waits for it. Inputs are of `kind`."""
        form = operand.shape, operand.bits, operand.vector
        made = None if operand.written else self.pick(
            lambda made: form == (made.operand.shape, made.operand.bits, made.operand.vector))
        if made:
            return made.slot
        slot = self.place(*operand.shape, operand.bits, kind)
        return Slot(slot.address, 0) if operand.vector else slot

    def command(self, draft: Descriptor, kind: str, given: Mapping[int, Slot | None] | None = None,
                shared: Mapping[int, int] | None = None,
                grid: tuple[int, int, int] | None = None) -> Descriptor:
        """Adds a command with numbers of a `kind`: finds a place for each operand that it uses, but
        for those `given`; `shared` says which slots hold the tensor of another slot (None: at
        random, where that is in place). `grid`: of the pixels that its output's rows are."""
        used = {operand.slot: operand for operand in OPERANDS[draft.opcode](draft)}
        if shared is None:
            shared = {slot: output for output, slot in in_place(draft) if self.rng.random() < 0.2}
        shared = {slot: other for slot, other in shared.items() if slot in used}
        slots = {slot: place for slot, place in (given or {}).items()
                 if place and slot not in shared}
        for slot, operand in used.items():
            if slot not in slots and slot not in shared:
                filled = operand.read or slot in shared.values()
                slots[slot] = self.operand(operand, kind if filled else None)
        slots |= {slot: slots[other] for slot, other in shared.items()}
        fields = fields_used(draft.opcode, draft.flags)
        names = [name for name in fields
                 if FIELDS.get(name, (0, 0, 0))[2] == 32 and name != "LAYER"]
        # Commands without scalars have kinds of numbers that only their operands can be of.
        numbers = draw_numbers(self.rng, kind, len(names), SINGLE) if names else ()
        scalars = {name.lower(): int(bits) for name, bits in zip(names, numbers)}
        if "LAYER" in fields:
            scalars["layer"] = draw_word(self.rng)
        desc = replace(draft, slots=slots, **scalars)
        self.add(desc)
        windows = desc.windows if desc.has_windows else None
        for operand in used.values():
            if operand.written:
                if windows and operand.shape[0] == windows.count:
                    grid = windows.images, windows.out_h, windows.out_w
                self.made.append(Made(operand, slots[operand.slot], grid))
        return desc

    def matmul(self, i: int, j: int, k: int, n: int, m: int, flags: int, kind: str) -> None:
        """Sizes and N:M give way to those of an operand made earlier."""
        a, s = self.pick(), self.sometimes(self.sparse)
        given = dict(s.slots) if s else {}
        if s:
            j, k, n, m = s.cols, s.depth, s.n, s.m
        if a:
            shape = (a.cols, a.rows) if flags & MatmulFlag.A_TRANS else (a.rows, a.cols)
            if not s or shape[1] == k:
                i, k = shape
                given[MatmulSlot.A] = a.slot
        self.command(Descriptor(Opcode.MATMUL, n, m, flags=flags | self.row_interleave(), rows=i,
                                cols=j, depth=k), kind, given)

    def conv(self, windows: Windows, channels: int, j: int, n: int, m: int, flags: int, kind: str,
             a: Made | None = None, s: Sparse | None = None) -> None:
        """`a` and `s` are operands of the right shape (s: all positions), made earlier."""
        flags |= MatmulFlag.CONV | self.row_interleave()
        self.command(Descriptor(Opcode.MATMUL, n, m, flags=flags, cols=j, depth=channels,
                                **windows.fields()), kind,
                     {MatmulSlot.A: a and a.slot, **(s.slots if s else {})})

    def row_interleave(self) -> int:
        return int(self.rng.choice(ROW_INTERLEAVES)) << MATMUL_ROW_INTERLEAVE_LSB

    def kernel(self, positions: int, channels: int, cols: int, n: int, m: int, kind: str) -> Sparse:
        """One PRUNE per kernel position; W_FF of all positions is operand S of a `conv`."""
        draft = Descriptor(Opcode.PRUNE, n, m, flags=PruneFlag.FF, rows=channels, cols=cols)
        used = list(OPERANDS[Opcode.PRUNE](draft))
        stacks = [self.place(positions * operand.shape[0], operand.shape[1], operand.bits,
                             kind if operand.read else None) for operand in used]
        each = [replace(draft, slots={
            operand.slot: rows_behind(stack, position * operand.shape[0])
            for operand, stack in zip(used, stacks)}) for position in range(positions)]
        for desc in each:
            self.add(desc)
        return Sparse.of(each[0], PruneSlot.FF_VALUES, PruneSlot.FF_INDICES, channels, cols)

    def affine(self, rows: int, cols: int, flags: int, kind: str, out: str = "own",
               x: Made | None = None) -> None:
        """OUT is a matrix of its "own", or that of "X" or "Y"."""
        self.command(Descriptor(Opcode.AFFINE, flags=flags, rows=rows, cols=cols), kind,
                     {AffineSlot.X: x and x.slot},
                     {} if out == "own" else {AffineSlot[out]: AffineSlot.OUT}, x and x.grid)

    def stats(self, rows: int, cols: int, flags: int, kind: str, same: bool = False,
              x: Made | None = None) -> None:
        """With `same`, Y is X, if there is a Y."""
        self.command(Descriptor(Opcode.STATS, flags=flags, rows=rows, cols=cols), kind,
                     {StatsSlot.X: x and x.slot}, {StatsSlot.Y: StatsSlot.X} if same else {})

    def pool(self, windows: Windows, channels: int, kind: str, x: Made | None = None) -> Slot:
        """Returns the winners."""
        return self.command(Descriptor(Opcode.POOL, cols=channels, **windows.fields()), kind,
                            {PoolSlot.X: x and x.slot}).slot(PoolSlot.WINNER)

    def pool_backward(self, windows: Windows, channels: int, kind: str, winner: Slot | None = None,
                      d_out: Made | None = None) -> None:
        """Any winners, or those of an earlier `pool`."""
        self.command(Descriptor(Opcode.POOL, flags=PoolFlag.BACKWARD, cols=channels,
                                **windows.fields()), kind,
                     {PoolSlot.X: d_out and d_out.slot, PoolSlot.WINNER: winner})

    def weights(self, opcode: Opcode, rows: int, cols: int, n: int, m: int, flags: int,
                kind: str) -> None:
        """PRUNE or UPDATE, whose slots of compressed matrices have the same numbers."""
        desc = self.command(Descriptor(opcode, n, m, flags=flags, rows=rows, cols=cols), kind)
        for values, indices, shape in (
                (PruneSlot.FF_VALUES, PruneSlot.FF_INDICES, (rows, cols)),
                (PruneSlot.BP_VALUES, PruneSlot.BP_INDICES, (cols, rows))):
            if values in desc.slots:
                self.sparse.append(Sparse.of(desc, values, indices, *shape))

    def fence(self, irq: bool) -> None:
        self.add(Descriptor(Opcode.FENCE, flags=FenceFlag.IRQ if irq else 0))

    def add(self, desc: Descriptor) -> None:
        tensors = tensors_of(desc)
        self.descriptors.append(desc)
        self._sources.append({self._makers[tensor.address] for tensor in tensors
                              if tensor.read and tensor.address in self._makers})
        self._makers |= {tensor.address: desc.opcode for tensor in tensors if tensor.written}

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
        seed, step = (int(word) for word in self.rng.integers(1 << 32, size=2))
        return Program(self.base, self.image, address, len(self.descriptors), self.descriptors,
                       self.placements, seed, step)


def in_place(draft: Descriptor) -> list[tuple[int, int]]:
    """(output, input) that may be the same matrix in such a command."""
    used = {operand.slot: operand for operand in OPERANDS[draft.opcode](draft)}
    return [(output, slot) for (opcode, output), inputs in IN_PLACE.items()
            if opcode == draft.opcode for slot in inputs
            if slot in used and used[slot].bits == used[output].bits]


def affine_outs(flags: int) -> list[str]:
    """Where OUT of an AFFINE may lie."""
    draft = Descriptor(Opcode.AFFINE, flags=flags, rows=1, cols=1)
    return ["own", *(AffineSlot(slot).name for _, slot in in_place(draft))]


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
    opcode = (Opcode.PRUNE, Opcode.UPDATE)[rng.integers(2)]
    flags = int(rng.choice(flag_sets(opcode)))
    writer.weights(opcode, rows, cols, n, m, flags, str(rng.choice(NUMBERS)))


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
        if limits.allow(windows, channels, cols):
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
    kind, draw = str(rng.choice(NUMBERS)), rng.random()
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
        flags = int(rng.choice(flag_sets(Opcode.AFFINE)))
        writer.affine(rows, cols, flags, kind, str(rng.choice(affine_outs(flags))), x)
    else:
        flags = int(rng.choice(flag_sets(Opcode.STATS)))
        writer.stats(rows, cols, flags, kind, bool(rng.random() < 0.5), x)


def transposed(windows: Windows) -> Windows | None:
    """Those of the gradient, where a descriptor can say them."""
    back, (least, most) = windows.transposed(), field_range("PAD_TOP")
    return back if least <= min(back.pad_top, back.pad_left) <= max(
        back.pad_top, back.pad_left) <= most else None


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


def queue_program(rng: np.random.Generator, commands: int, limit: int, base: int = BASE,
                  size: int = SIZE, vectors: float = 0.0) -> Program:
    """MATMULs with sides up to `limit` whose tensors lie anywhere in little memory, so that each
    reads, and writes again, what those before it at any distance read or write. With the chance
    `vectors` each, a PRUNE that waits for all before it and makes an S comes in between."""
    writer = ProgramWriter(rng, base, size)
    arena = int(rng.integers(4, 40)) * limit * 2 * TENSOR_ALIGN
    writer.free = base + arena

    def anywhere(operand: Operand) -> Slot:
        row_bytes = (operand.shape[1] * operand.bits + 7) // 8
        stride = aligned(row_bytes) + TENSOR_ALIGN * int(rng.integers(0, 2))
        room = arena - (operand.shape[0] - 1) * stride - row_bytes
        address = base + int(rng.integers(room // TENSOR_ALIGN + 1)) * TENSOR_ALIGN
        return Slot(address, 0 if operand.vector else stride)

    while len(writer.descriptors) < commands:
        i, j, k = (int(x) for x in rng.integers(1, limit + 1, 3))
        n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
        flags = MATMUL_FLAGS[rng.integers(len(MATMUL_FLAGS))] | writer.row_interleave()
        draft = Descriptor(Opcode.MATMUL, n, m, flags=flags, rows=i, cols=j, depth=k)
        if rng.random() < vectors:
            sample = PruneFlag.SAMPLE * int(rng.integers(2))
            draft = Descriptor(Opcode.PRUNE, n, m, flags=PruneFlag.FF | PruneFlag.SRC_FP16 | sample,
                               rows=k, cols=j)
        slots = {operand.slot: anywhere(operand) for operand in OPERANDS[draft.opcode](draft)}
        desc = replace(draft, slots=slots)
        command = Command(0, desc, tensors_of(desc), set())
        if not any(command_hazards(command, ())):
            writer.descriptors.append(desc)
            writer._sources.append({Opcode.PRUNE, Opcode.MATMUL})  # nothing overlaps
    return writer.finish()


def queues_program(seed: int) -> Program:
    """A few to a dozen MATMULs, with or without PRUNEs between them, that share a little memory."""
    rng = make_rng("queue", seed)
    limit = int(rng.choice([8, 24, 60]))
    return queue_program(rng, int(rng.integers(2, 13)), limit, vectors=float(rng.choice([0, 0.2])))


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
POOLS = [(name, kind) for name in ("pool", "pool backward") for kind in KINDS]
FEATURES = [
    *(("affine", flags, out) for flags in flag_sets(Opcode.AFFINE) for out in affine_outs(flags)),
    *(("stats", flags, same) for flags in flag_sets(Opcode.STATS) for same in (False, True)),
    *POOLS,
]
FEATURE_LIMITS = Limits(rows=300, taps=4000, matrix=1500, channels=140, macs=10**9)


def feature_program(seed: int) -> Program:
    """AFFINE, STATS or POOL, forward with its gradient. Twice as many consecutive seeds as FEATURES
    have them all, and every kind of numbers; six times as many have every kernel."""
    writer = ProgramWriter(make_rng("feature", seed))
    rng = writer.rng
    name, *options = dealt(seed, FEATURES, "features")
    kind = dealt(seed, NUMBERS, "numbers")
    if not name.startswith("pool"):
        rows, cols = int(rng.integers(1, 301)), int(rng.integers(1, rng.choice([71, 71, 301])))
        flags, how = options
        (writer.affine if name == "affine" else writer.stats)(rows, cols, flags, kind, how)
        return writer.finish()
    pool = seed // len(FEATURES) * len(POOLS) + POOLS.index((name, *options))
    kernel = dealt(pool, POOL_KERNELS, "pool kernels")
    windows, channels, _ = draw_case(rng, FEATURE_LIMITS, [kernel], options[0],
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
