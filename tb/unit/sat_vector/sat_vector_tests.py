# SPDX-License-Identifier: Apache-2.0
"""sat_vector: PRUNE and UPDATE against the golden command model, comparing all of memory."""

from __future__ import annotations

import cocotb
import numpy as np

from sat_golden import CommandModel, Descriptor, Memory, Slot, aligned, compressed_rows
from sat_golden.defs import Error, Opcode, PruneFlag, PruneSlot, UpdateFlag, UpdateSlot
from sat_golden.stimulus import FP32_SPECIALS, mixed_fp16, random_bits
from sat_golden.tensors import tensors_of
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.unit.sat_vector.dma_memory import DmaMemory, Stalls

BASE = (1 << 39) + 0x12000
SIZE = 1 << 18
LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]


def fp32_bits(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def mixed_fp32(rng: np.random.Generator, shape: tuple[int, int], special: float) -> np.ndarray:
    ordinary = rng.standard_normal(shape, np.float32).view(np.uint32)
    # Few distinct magnitudes, so that ties are common.
    ties = rng.choice(np.array([0, 1.5, -1.5, 0.25, -2.0], np.float32), shape).view(np.uint32)
    other = np.where(rng.random(shape) < 0.5, rng.choice(FP32_SPECIALS, shape),
                     random_bits(rng, shape, np.uint32))
    kind = rng.random(shape)
    return np.where(kind < special, other, np.where(kind > 0.8, ties, ordinary))


class Layout:
    """Places tensors one after the other, with gaps and strides drawn at random."""

    def __init__(self, rng: np.random.Generator):
        self.rng, self.next = rng, BASE
        self.slots: dict[int, Slot] = {}

    def add(self, slot: int, rows: int, row_bytes: int) -> None:
        stride = aligned(row_bytes) + 64 * int(self.rng.integers(0, 3))
        self.slots[slot] = Slot(self.next, stride)
        self.next += rows * stride + 64 * int(self.rng.integers(0, 3))
        assert self.next <= BASE + SIZE

    def add_planes(self, slot: int, rows: int, cols: int, n: int, m: int) -> None:
        kept = compressed_rows(rows, n, m)
        self.add(slot, kept, 2 * cols)
        if n < m:
            self.add(slot + 1, kept, (cols + 1) // 2)


def random_command(rng: np.random.Generator, opcode: Opcode, size: int = 40, special: float = 0.0,
                   **fixed) -> tuple[Descriptor, Memory]:
    """A legal command with its operands in a memory otherwise full of random bytes."""
    memory = Memory(BASE, SIZE, random_bits(rng, SIZE, np.uint8))
    rows = fixed.get("rows") or int(rng.integers(1, size + 1))
    cols = fixed.get("cols") or int(rng.integers(1, size + 1))
    n, m = fixed.get("nm") or LEGAL_NM[rng.integers(len(LEGAL_NM))]
    update = opcode == Opcode.UPDATE
    flags = fixed.get("flags")
    if flags is None:
        copies = int(rng.integers(0 if update else 1, 4))
        flags = copies | (UpdateFlag.DECAY if update else PruneFlag.SRC_FP16) * rng.integers(2)
        flags |= 0 if update else PruneFlag.SAMPLE * rng.integers(2)
    half = not update and bool(flags & PruneFlag.SRC_FP16)

    layout = Layout(rng)
    for slot in (UpdateSlot.W, UpdateSlot.V, UpdateSlot.DW) if update else (PruneSlot.W,):
        layout.add(slot, rows, cols * (2 if half else 4))
    if flags & PruneFlag.FF:
        layout.add_planes(PruneSlot.FF_VALUES, rows, cols, n, m)
    if flags & PruneFlag.BP:
        layout.add_planes(PruneSlot.BP_VALUES, cols, rows, n, m)

    scalars = {}
    if not update and flags & PruneFlag.SAMPLE:
        scalars = {"layer": int(rng.integers(1 << 32))}
    if update:
        names = ["inv_scale", "momentum", "lr"] + ["decay"] * bool(flags & UpdateFlag.DECAY)
        scalars = {name: int(mixed_fp32(rng, (1, 1), special)[0, 0]) for name in names}
    descriptor = Descriptor(opcode=opcode, n=n, m=m, flags=int(flags), rows=rows, cols=cols,
                            slots=layout.slots, **scalars)
    for tensor in tensors_of(descriptor):
        if tensor.read:
            shape = (tensor.rows, tensor.cols)
            bits = mixed_fp16(rng, shape, special) if half else mixed_fp32(rng, shape, special)
            memory.rows_of(tensor)[:] = np.ascontiguousarray(bits).view(np.uint8)
    return descriptor, memory


def expected_of(descriptor: Descriptor, memory: Memory, seed: int = 0,
                step: int = 0) -> tuple[np.ndarray, bool]:
    """Memory image and overflow flag after the command."""
    program = BASE + SIZE  # a page of its own behind the data
    image = Memory(memory.base, SIZE + 128, np.concatenate([memory.data, np.zeros(128, np.uint8)]))
    image.load(program, descriptor.pack())
    result = CommandModel(image).run(program, 1, seed, step)
    assert result.code == Error.NONE, result
    return image.data[:SIZE], result.overflow


async def check(dut, rng: np.random.Generator, stalls: Stalls, descriptor: Descriptor,
                memory: Memory) -> DmaMemory:
    seed, step = (int(word) for word in rng.integers(1 << 32, size=2))
    dut.seed_i.value, dut.step_i.value = seed, step
    expected, overflow = expected_of(descriptor, memory, seed, step)
    before = memory.data.copy()
    dma = DmaMemory(dut, memory, stalls, rng)
    await dma.run(descriptor.pack())
    differing = np.flatnonzero(memory.data != expected)
    assert not differing.size, "\n".join([
        f"{descriptor}: {differing.size} bytes differ",
        *(f"{memory.base + at:#x}: before {before[at]:02x} expected {expected[at]:02x} "
          f"actual {memory.data[at]:02x}" for at in differing[:10])])
    assert bool(dma.overflows) == overflow, f"{descriptor}: overflow expected {overflow}"
    return dma


STALLS = {
    "none": Stalls(),
    "source": Stalls(read=0.4, latency=20),
    "sink": Stalls(write=0.6),
    "both": Stalls(read=0.3, write=0.3, latency=7),
}


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), opcode=["PRUNE", "UPDATE"])
async def test_random_commands(dut, stalls, opcode):
    """Random shapes, N:M, flags and values; commands follow each other without reset."""
    rng = make_rng(f"{stalls} {opcode}")
    await start(dut, wr_idle_i=1)
    for number in range(14):
        special = (0.0, 0.02, 0.5)[number % 3]
        command = random_command(rng, Opcode[opcode], special=special)
        await check(dut, rng, STALLS[stalls], *command)


@cocotb.test()
async def test_every_nm(dut):
    """Each legal N:M on a shape with partial groups and tiles, both directions."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    for nm in LEGAL_NM:
        for sample in (0, PruneFlag.SAMPLE):
            command = random_command(rng, Opcode.PRUNE, special=0.05, rows=19, cols=21, nm=nm,
                                     flags=PruneFlag.FF | PruneFlag.BP | sample)
            await check(dut, rng, Stalls(), *command)


@cocotb.test()
@cocotb.parametrize(size=[(1, 1), (1, 40), (40, 1), (16, 16), (17, 16), (16, 17), (31, 33)])
async def test_edges(dut, size):
    rng = make_rng(str(size))
    await start(dut, wr_idle_i=1)
    rows, cols = size
    for opcode in (Opcode.PRUNE, Opcode.UPDATE):
        command = random_command(rng, opcode, special=0.05, rows=rows, cols=cols, nm=(2, 8),
                                 flags=PruneFlag.FF | PruneFlag.BP)
        await check(dut, rng, STALLS["both"], *command)


@cocotb.test()
async def test_skip_on_overflow(dut):
    """With the latch set nothing moves; without it the flag changes nothing."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    flags = UpdateFlag.FF | UpdateFlag.BP | UpdateFlag.SKIP_ON_OVERFLOW
    for latch in (True, False, True):
        descriptor, memory = random_command(rng, Opcode.UPDATE, rows=20, cols=20, flags=flags)
        if not latch:
            await check(dut, rng, Stalls(), descriptor, memory)
            continue
        before = memory.data.copy()
        dma = DmaMemory(dut, memory, Stalls(), rng)
        assert await dma.run(descriptor.pack(), overflow_latch=True) < 5
        assert dma.beats_read == dma.beats_written == dma.overflows == 0
        assert np.array_equal(before, memory.data)


@cocotb.test()
async def test_flush(dut):
    """A flush at any time leaves an engine that executes the next command."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    for after in (1, 5, 30, 60, 90, 120, 150, 260, 333, 420, 500):
        opcode, flags = ((Opcode.UPDATE, UpdateFlag.FF | UpdateFlag.BP),
                         (Opcode.PRUNE, PruneFlag.FF | PruneFlag.SAMPLE))[rng.integers(2)]
        descriptor, memory = random_command(rng, opcode, rows=33, cols=33, nm=(2, 8), flags=flags)
        dma = DmaMemory(dut, memory, Stalls(read=0.2, write=0.2), rng)
        dut.desc_i.value = int.from_bytes(descriptor.pack(), "little")
        dut.start_i.value = 1
        await dma.step()
        dut.start_i.value = 0
        for _ in range(after):
            await dma.step()
        dut.flush_i.value = 1
        dut.rd_rsp_valid_i.value = 0
        dut.wr_idle_i.value = 1
        await cocotb.triggers.FallingEdge(dut.clk)
        dut.flush_i.value = 0
        assert not dut.busy_o.value
        await check(dut, rng, STALLS["both"], *random_command(rng, opcode, special=0.02))


@cocotb.test()
async def test_throughput(dut):
    """Cycles for 16 tiles, filling and draining included, with 40 cycles of memory latency."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    both = PruneFlag.FF | PruneFlag.BP
    sampled = PruneFlag.FF | PruneFlag.SRC_FP16 | PruneFlag.SAMPLE
    # Per number of lanes. UPDATE reads 192, 96 or 48 beats a tile, with decay a third more vectors
    # pass the lanes; with 512 bits 8:16 and dense write 64 beats.
    for opcode, nm, flags, *limits in [
        (Opcode.UPDATE, (2, 8), both, 222, 116, 62),
        (Opcode.UPDATE, (8, 16), both, 222, 116, 78),
        (Opcode.UPDATE, (4, 4), both, 295, 152, 81),
        (Opcode.UPDATE, (2, 8), both | UpdateFlag.DECAY, 288, 148, 79),
        (Opcode.PRUNE, (2, 8), both, 148, 78, 43),
        (Opcode.PRUNE, (2, 8), sampled, 96, 60, 43),
    ]:
        limit = limits[parameters(dut, "DATA_W")[0] // 256]
        command = random_command(rng, opcode, rows=64, cols=64, nm=nm, flags=flags)
        dma = await check(dut, rng, Stalls(latency=40), *command)
        tile = dma.cycles / 16
        cocotb.log.info("%s %d:%d flags %d: %.1f cycles a tile", opcode.name, *nm, flags, tile)
        assert tile <= limit
