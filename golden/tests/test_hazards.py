# SPDX-License-Identifier: Apache-2.0
"""What a program must not do and no check of the core catches: each is named, its neighbours not.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from sat_golden import (
    CommandModel,
    Descriptor,
    ErrorRegion,
    HazardError,
    HazardKind,
    HazardWarning,
    Memory,
    Slot,
    Tensor,
    Windows,
    aligned,
)
from sat_golden.defs import (
    DESC_BYTES,
    IN_PLACE,
    AffineFlag,
    AffineSlot,
    Error,
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
    UpdateSlot,
)
from sat_golden.hazards import in_place, shared_bytes
from sat_golden.operands import HALF
from sat_golden.tensors import tensors_of

BASE = 0x10_0000
SIZE = 1 << 20
DATA = BASE + 0x4000
LINE = 64
GAP = 0x2000  # behind a tensor: each of the others fits where it begins
FENCE = Descriptor(Opcode.FENCE)
WINDOWS = Windows.sliding(2, 6, 5, 3, 3, stride=2, pad=1)
EPILOGUE = MatmulFlag.BIAS | MatmulFlag.RESIDUAL | MatmulFlag.MASK | MatmulFlag.SUMS
# Each command with all of its tensors.
COMMANDS = {
    "matmul": Descriptor(Opcode.MATMUL, 2, 8, flags=EPILOGUE, rows=9, cols=40, depth=33),
    "matmul fp32": Descriptor(Opcode.MATMUL, 2, 8, flags=EPILOGUE | MatmulFlag.OUT_FP32, rows=9,
                              cols=40, depth=33),
    "conv": Descriptor(Opcode.MATMUL, 2, 8, flags=EPILOGUE | MatmulFlag.CONV, cols=40, depth=5,
                       **WINDOWS.fields()),
    "prune": Descriptor(Opcode.PRUNE, 2, 8, flags=PruneFlag.FF | PruneFlag.BP, rows=40, cols=35),
    "update": Descriptor(Opcode.UPDATE, 2, 8, flags=UpdateFlag.FF | UpdateFlag.BP, rows=40,
                         cols=35),
    "affine": Descriptor(Opcode.AFFINE, flags=AffineFlag.SECOND, rows=9, cols=70),
    "stats": Descriptor(Opcode.STATS, flags=StatsFlag.SECOND, rows=9, cols=70),
    "pool": Descriptor(Opcode.POOL, cols=70, **WINDOWS.fields()),
    "pool backward": Descriptor(Opcode.POOL, flags=PoolFlag.BACKWARD, cols=70,
                                **WINDOWS.transposed().fields()),
}
PAIRS = [(name, x.slot, y.slot) for name, desc in COMMANDS.items()
         for x, y in combinations(tensors_of(desc), 2) if x.written or y.written]


class Bench:
    """A memory of zeros, and commands with tensors of their own, far apart."""

    def __init__(self, policy: str = "ignore"):
        self.memory = Memory(BASE, SIZE)
        self.model = CommandModel(self.memory, hazards=policy)
        self.free = DATA

    def command(self, name: str, **fields) -> Descriptor:
        desc = replace(COMMANDS[name], **fields)
        slots = {}
        for tensor in tensors_of(desc):
            stride = aligned(tensor.row_bytes)
            slots[tensor.slot] = Slot(self.free, 0 if tensor.vector else stride)
            self.free += tensor.rows * stride + GAP
        return replace(desc, slots=slots)

    def run(self, *commands: Descriptor):
        for index, desc in enumerate(commands):
            self.memory.load(BASE + DESC_BYTES * index, desc.pack())
        return self.model.run(BASE, len(commands))

    def hazards(self, *commands: Descriptor) -> list[tuple]:
        result = self.run(*commands)
        assert result.code == Error.NONE
        return [(hazard.kind, hazard.first, hazard.second, hazard.first_slot, hazard.second_slot)
                for hazard in result.hazards]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def tensor(desc: Descriptor, slot: int) -> Tensor:
    return next(tensor for tensor in tensors_of(desc) if tensor.slot == slot)


def moved(desc: Descriptor, slot: int, address: int, stride: int | None = None) -> Descriptor:
    old = desc.slot(slot)
    new = Slot(address, old.stride if stride is None else stride)
    return replace(desc, slots=desc.slots | {slot: new})


@pytest.mark.parametrize("name", COMMANDS)
def test_separate_tensors_are_no_hazard(bench, name):
    assert bench.hazards(bench.command(name)) == []


@pytest.mark.parametrize("name, first, second", PAIRS)
def test_a_line_shared_within_a_command_is_named(bench, name, first, second):
    desc = bench.command(name)
    x, y = tensor(desc, first), tensor(desc, second)
    last = x.address + int(x.rows_used()[-1]) * x.stride + (x.row_bytes - 1) // LINE * LINE
    start = bench.free + aligned(x.end - x.address) - LINE
    desc = moved(moved(desc, first, start + x.address - last), second, start)
    kind = HazardKind.OUTPUTS if x.written and y.written else HazardKind.INPUT
    assert bench.hazards(desc) == [(kind, 0, 0, first, second)]
    hazard = bench.run(desc).hazards[0]
    assert hazard.start == start and start < hazard.end <= start + LINE
    assert bench.hazards(moved(desc, second, start + LINE)) == []


def test_in_place_is_what_the_page_says():
    assert IN_PLACE == {(Opcode.MATMUL, MatmulSlot.C): [MatmulSlot.RESIDUAL, MatmulSlot.MASK],
                        (Opcode.AFFINE, AffineSlot.OUT): [AffineSlot.X, AffineSlot.Y]}


@pytest.mark.parametrize("name, first, second", PAIRS)
def test_only_some_outputs_may_be_an_input(bench, name, first, second):
    """The same place, the same stride."""
    desc = bench.command(name)
    x, y = tensor(desc, first), tensor(desc, second)
    desc = moved(moved(desc, first, bench.free), second, bench.free,
                 0 if y.vector else x.stride or aligned(x.row_bytes))
    if max(x.row_bytes, y.row_bytes) > desc.slot(second).stride and not y.vector:
        return
    allowed = x.bits == y.bits and (
        (desc.opcode, first) in IN_PLACE and second in IN_PLACE[desc.opcode, first]
        or (desc.opcode, second) in IN_PLACE and first in IN_PLACE[desc.opcode, second])
    assert bool(bench.hazards(desc)) != allowed


def test_all_of_an_output_s_inputs_may_be_it(bench):
    desc = bench.command("matmul")
    c = desc.slot(MatmulSlot.C)
    desc = replace(desc, slots=desc.slots | {MatmulSlot.RESIDUAL: c, MatmulSlot.MASK: c})
    assert bench.hazards(desc) == []
    desc = bench.command("affine")
    out = desc.slot(AffineSlot.OUT)
    desc = replace(desc, slots=desc.slots | {AffineSlot.X: out, AffineSlot.Y: out})
    assert bench.hazards(desc) == []


def test_another_stride_is_not_in_place(bench):
    desc = bench.command("matmul")
    c = desc.slot(MatmulSlot.C)
    wider = moved(desc, MatmulSlot.RESIDUAL, c.address, c.stride + LINE)
    wider = moved(wider, MatmulSlot.MASK, bench.free)
    assert [hazard[2:] for hazard in bench.hazards(wider)] == [
        (0, MatmulSlot.C, MatmulSlot.RESIDUAL)]


def test_inputs_may_be_one_another(bench):
    desc = bench.command("stats")
    assert bench.hazards(moved(desc, StatsSlot.Y, desc.slot(StatsSlot.X).address)) == []
    desc = bench.command("update")
    w = desc.slot(UpdateSlot.W).address
    assert bench.hazards(moved(desc, UpdateSlot.DW, w)) == [
        (HazardKind.INPUT, 0, 0, UpdateSlot.W, UpdateSlot.DW)], "W is an output too"


def test_pixels_that_no_window_sees_may_be_written(bench):
    windows = Windows.sliding(1, 8, 8, 1, 1, stride=2)
    desc = replace(COMMANDS["conv"], flags=MatmulFlag.CONV, depth=40, **windows.fields())
    desc = replace(desc, slots={MatmulSlot.A: Slot(DATA, 128),
                                MatmulSlot.S_VALUES: Slot(DATA + 0x8000, 128),
                                MatmulSlot.S_INDICES: Slot(DATA + 0x10000, 64),
                                MatmulSlot.C: Slot(DATA + 128, 256)})
    assert bench.hazards(desc) == []
    assert bench.hazards(moved(desc, MatmulSlot.C, DATA)) == [
        (HazardKind.INPUT, 0, 0, MatmulSlot.A, MatmulSlot.C)]


@pytest.mark.parametrize("seed", range(200))
def test_shared_bytes(seed):
    """Against sets of bytes."""
    rng = np.random.default_rng(seed)

    def draw() -> Tensor:
        rows, cols = int(rng.integers(1, 6)), int(rng.choice([32, 64, rng.integers(1, 100)]))
        stride = aligned(2 * cols) + LINE * int(rng.integers(3))
        seen_by = Windows.sliding(1, rows, 1, 1, 1, stride=2) if rng.random() < 0.3 else None
        return Tensor(0, LINE * int(rng.integers(20)), stride, rows, cols, HALF, seen_by=seen_by)

    x, y = draw(), draw()
    used = [{byte for row in t.rows_used()
             for byte in range(t.address + row * t.stride, t.address + row * t.stride + 2 * t.cols)}
            for t in (x, y)]
    both = used[0] & used[1]
    span = shared_bytes(x, y)
    assert bool(span) == bool(both)
    if span:
        assert span[0] == min(both) and set(range(*span)) <= both
    assert not in_place(Opcode.MATMUL, x, y)


# Commands side by side


def shared(bench: Bench, earlier: str, output: int, later: str, operand: int):
    """Two commands, of which the later reads what the earlier writes."""
    first, second = bench.command(earlier), bench.command(later, overlap=True)
    return first, moved(second, operand, first.slot(output).address)


@pytest.mark.parametrize("earlier, output, later, operand", [
    ("matmul fp32", MatmulSlot.C, "update", UpdateSlot.DW),
    ("update", UpdateSlot.FF_VALUES, "matmul", MatmulSlot.S_VALUES),
    ("update", UpdateSlot.BP_INDICES, "conv", MatmulSlot.S_INDICES),
    ("prune", PruneSlot.FF_VALUES, "matmul", MatmulSlot.A),
    ("affine", AffineSlot.OUT, "conv", MatmulSlot.A),
    ("stats", StatsSlot.SUM, "matmul", MatmulSlot.BIAS),
    ("pool", PoolSlot.OUT, "matmul", MatmulSlot.MASK),
    ("conv", MatmulSlot.C, "stats", StatsSlot.Y),
])
def test_reading_what_runs_beside_is_a_hazard(bench, earlier, output, later, operand):
    first, second = shared(bench, earlier, output, later, operand)
    expected = (HazardKind.OVERLAP, 0, 1, output, operand)
    assert bench.hazards(first, second) == [expected]
    assert bench.hazards(first, FENCE, second) == []
    assert bench.hazards(first, replace(second, overlap=False)) == []


def test_writing_what_is_read_or_written_beside_is_a_hazard(bench):
    product, update = bench.command("matmul fp32"), bench.command("update", overlap=True)
    reads = moved(update, UpdateSlot.V, product.slot(MatmulSlot.A).address)
    assert bench.hazards(product, reads) == [
        (HazardKind.OVERLAP, 0, 1, MatmulSlot.A, UpdateSlot.V)]
    writes = moved(update, UpdateSlot.V, product.slot(MatmulSlot.C).address)
    assert bench.hazards(product, writes) == [
        (HazardKind.OVERLAP, 0, 1, MatmulSlot.C, UpdateSlot.V)]
    both_read = moved(update, UpdateSlot.DW, product.slot(MatmulSlot.RESIDUAL).address)
    assert bench.hazards(product, both_read) == []


def test_an_engine_takes_one_command_at_a_time(bench):
    """When an engine's next command has started, its last one is complete; what the other engine
    began before that may go on."""
    first, second = shared(bench, "matmul fp32", MatmulSlot.C, "update", UpdateSlot.DW)
    product, affine = bench.command("matmul", overlap=True), bench.command("affine", overlap=True)
    assert bench.hazards(first, product, second) == []
    found = bench.hazards(first, affine, second)
    assert found == [(HazardKind.OVERLAP, 0, 2, MatmulSlot.C, UpdateSlot.DW)]
    waited = replace(affine, overlap=False)
    assert bench.hazards(first, waited, second) == []


def test_a_skipped_update_counts_as_if_it_ran(bench):
    """Whether it is skipped depends on the data."""
    first, second = shared(bench, "update", UpdateSlot.FF_VALUES, "matmul", MatmulSlot.S_VALUES)
    overflowing = bench.command("affine")
    bench.memory.load(overflowing.slot(AffineSlot.GAMMA).address, b"\x00\x00\x80\x7f" * 70)
    first = replace(first, flags=first.flags | UpdateFlag.SKIP_ON_OVERFLOW)
    result = bench.run(overflowing, FENCE, first, second)
    assert result.overflow_latch and len(result.hazards) == 1


# Descriptors


def copier(bench: Bench, engine: str, target: int, data: bytes, **fields) -> Descriptor:
    """Copies the 128 bytes to the address `target`."""
    source, ones = bench.free, bench.free + 128
    bench.free += 128 + 64 * 128
    bench.memory.load(source, data)
    if engine == "vector":
        slots = {PruneSlot.W: Slot(source, 128), PruneSlot.FF_VALUES: Slot(target, 128)}
        return Descriptor(Opcode.PRUNE, 2, 2, flags=PruneFlag.FF | PruneFlag.SRC_FP16, rows=1,
                          cols=64, slots=slots, **fields)
    bench.memory.load(ones, np.eye(64, dtype=np.float16).tobytes())
    slots = {MatmulSlot.A: Slot(source, 128), MatmulSlot.S_VALUES: Slot(ones, 128),
             MatmulSlot.C: Slot(target, 128)}
    return Descriptor(Opcode.MATMUL, 2, 2, rows=1, cols=64, depth=64, slots=slots, **fields)


@pytest.mark.parametrize("engine", ["array", "vector"])
def test_which_descriptors_may_be_written(engine, bench):
    """Each program writes a FENCE over a descriptor that is wrong before."""
    bad = Descriptor(Opcode.FENCE, flags=0x80)
    output = MatmulSlot.C if engine == "array" else PruneSlot.FF_VALUES
    other, same = ("affine", "matmul") if engine == "array" else ("matmul", "affine")

    def named(index: int, *between: Descriptor) -> bool:
        """Command 0 writes descriptor `index`, the last one."""
        writer = copier(bench, engine, BASE + DESC_BYTES * index, FENCE.pack())
        found = bench.hazards(writer, *between, bad)
        assert found in ([], [(HazardKind.FETCH, 0, index, output, None)])
        return bool(found)

    beside = bench.command(other, overlap=True)
    assert named(1), "the next one is fetched at once"
    assert not named(2, FENCE)
    assert not named(2, bench.command(other)), "it waited"
    assert not named(2, bench.command(same, overlap=True)), "it waited for the engine"
    assert named(2, beside), "fetched when the second has started"
    assert named(3, beside, beside)
    assert not named(3, beside, FENCE)
    assert not named(3, FENCE, beside)
    assert not named(3, beside, bench.command(same, overlap=True))
    assert not named(3, bench.command(other), beside)


def test_descriptors_already_fetched_may_be_written(bench):
    affine = bench.command("affine")
    for index in 0, 1:
        writer = copier(bench, "vector", BASE + DESC_BYTES * index, b"\xff" * 128)
        assert bench.hazards(affine, writer, FENCE) == []


def test_half_a_descriptor_is_enough(bench):
    writer = copier(bench, "vector", BASE + DESC_BYTES + LINE, bytes(128))
    writer = replace(writer, cols=32)
    hazard = bench.run(writer, FENCE).hazards[0]
    assert (hazard.start, hazard.end) == (BASE + DESC_BYTES + LINE, BASE + 2 * DESC_BYTES)
    assert bench.hazards(moved(writer, PruneSlot.FF_VALUES, BASE + 2 * DESC_BYTES), FENCE) == []


# After an error


def test_followers_of_a_failing_command_have_hazards_too(bench):
    """They may have started before it failed, and their descriptors been fetched."""
    first, second = shared(bench, "matmul fp32", MatmulSlot.C, "update", UpdateSlot.DW)
    region = ErrorRegion(first.slot(MatmulSlot.A).address, first.slot(MatmulSlot.A).address + LINE)
    bench.memory.error_regions.append(region)
    result = bench.run(first, second)
    assert result.code == Error.READ_SLVERR and result.uncertain == {0, 1}
    assert [hazard.kind for hazard in result.hazards] == [HazardKind.OVERLAP]

    first = moved(first, MatmulSlot.C, BASE + DESC_BYTES)
    result = bench.run(first, second, second)
    assert [(hazard.kind, hazard.second) for hazard in result.hazards][:2] == [
        (HazardKind.FETCH, 1), (HazardKind.FETCH, 2)]


# Policies


def test_policies():
    bench = Bench("warn")
    desc = bench.command("matmul")
    over_a = moved(desc, MatmulSlot.C, desc.slot(MatmulSlot.A).address)
    with pytest.warns(HazardWarning, match="^A of command 0 shares memory with its C: bytes 0x"):
        bench.run(over_a)

    bench = Bench("error")
    first, second = shared(bench, "prune", PruneSlot.FF_VALUES, "matmul", MatmulSlot.S_VALUES)
    c = tensor(second, MatmulSlot.C)
    bench.memory.write(c, np.full((c.rows, c.cols), 0x1234, np.uint16))
    with pytest.raises(HazardError, match="FF_VALUES of command 0 .* S_VALUES of command 1") as got:
        bench.run(first, second)
    assert got.value.hazard.kind == HazardKind.OVERLAP
    assert (bench.memory.read(c) == 0x1234).all(), "the second command had no effect"

    with pytest.raises(HazardError, match="descriptor 1"):
        bench.run(copier(bench, "vector", BASE + DESC_BYTES, FENCE.pack()), FENCE)


def test_wrong_arguments_are_named():
    memory = Memory(BASE, SIZE)
    with pytest.raises(ValueError, match="^hazards: 'raise' is not one of warn, error, ignore"):
        CommandModel(memory, hazards="raise")
    for width in 0, 31, 41:
        with pytest.raises(ValueError, match="^addr_w: "):
            CommandModel(memory, addr_w=width)
