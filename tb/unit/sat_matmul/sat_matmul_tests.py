# SPDX-License-Identifier: Apache-2.0
"""sat_matmul: whole commands against the golden command model, comparing all of memory."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat.plan import Tiling
from sat_golden import CommandModel, Memory, Windows
from sat_golden.defs import (
    DESC_BYTES,
    MATMUL_ROW_INTERLEAVE_LSB,
    Error,
    MatmulFlag,
    MatmulSlot,
)
from sat_golden.descriptor import Descriptor
from sat_golden.tensors import tensors_of
from tb.common.beats import Beats
from tb.common.clock import start
from tb.common.dma_ports import STALLS, ReadPorts, Stalls, WritePort
from tb.common.parameters import array_of, parameters
from tb.common.rng import make_rng
from tb.top.random_program import (
    LEGAL_NM,
    MATMUL_FLAGS,
    NUMBERS,
    Program,
    ProgramWriter,
    describe,
    draw_case,
    queue_program,
)
from tb.top.random_windows import KERNELS, KINDS, Limits

BASE = (1 << 39) + 0x12000
SIZE = 1 << 19
READ_PORTS = 6
CONV_LIMITS = Limits(rows=100, taps=800, matrix=300, channels=30, macs=40_000)
LINE = 64  # bytes, of the map cache


def random_command(rng: np.random.Generator, limit: int = 40, **fixed) -> Program:
    """One MATMUL with sides up to `limit`; `fixed` sets size, nm, flags or numbers."""
    writer = ProgramWriter(rng, BASE, SIZE)
    size = fixed.get("size") or tuple(int(x) for x in rng.integers(1, limit + 1, 3))
    nm = fixed.get("nm") or LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags = fixed.get("flags", MATMUL_FLAGS[rng.integers(len(MATMUL_FLAGS))])
    writer.matmul(*size, *nm, flags, fixed.get("numbers") or str(rng.choice(NUMBERS)))
    return writer.finish()


def random_conv(rng: np.random.Generator, **fixed) -> Program:
    """One small convolution of any kind; `fixed` sets windows, channels, cols, nm or flags."""
    writer = ProgramWriter(rng, BASE, SIZE)
    step, dilation = int(rng.integers(3)), int(rng.integers(2))
    drawn = draw_case(rng, CONV_LIMITS, KERNELS, str(rng.choice(KINDS)), step, dilation)
    windows, channels, cols = (fixed.get(name) or value for name, value in
                               zip(("windows", "channels", "cols"), drawn))
    nm = fixed.get("nm") or LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags = fixed.get("flags", MATMUL_FLAGS[rng.integers(len(MATMUL_FLAGS))])
    writer.conv(windows, channels, cols, *nm, flags, str(rng.choice(NUMBERS)))
    return writer.finish()


class Engine:
    """The engine with memory behind its ports; `step` serves one clock cycle."""

    def __init__(self, dut, program: Program, rng: np.random.Generator, stalls: Stalls):
        self.dut = dut
        self.memory = Beats(BASE, program.image.copy())
        self.reads = ReadPorts(dut, self.memory.fetch, rng, stalls, READ_PORTS, "rd_")
        self.writes = WritePort(dut, self.memory.store, rng, stalls, "wr_")
        self.overflow = False
        self.cycle = 0
        self.slots: list[int] = []  # cycles in which a slot of multiplies ends

    async def step(self) -> None:
        self.reads.cycle()
        self.writes.cycle()
        self.dut.wr_idle_i.value = int(self.writes.idle)
        await FallingEdge(self.dut.clk)
        self.overflow |= bool(self.dut.overflow_o.value)
        self.cycle += 1
        if self.dut.slot_active_o.value:
            self.slots.append(self.cycle)

    async def begin(self, descriptor: bytes, a_meets: bool = False, s_meets: bool = False) -> None:
        while not self.dut.ready_o.value:
            await self.step()
        self.dut.desc_i.value = int.from_bytes(descriptor, "little")
        self.dut.a_meets_i.value, self.dut.s_meets_i.value = int(a_meets), int(s_meets)
        self.dut.start_i.value = 1
        await self.step()
        self.dut.start_i.value = 0
        self.dut.a_meets_i.value = self.dut.s_meets_i.value = 0
        self.dut.desc_i.value = (1 << 1024) - 1  # valid with start_i only
        assert self.dut.busy_o.value

    async def finish(self, limit: int = 300_000) -> int:
        """Cycles until the command is complete."""
        for cycle in range(limit):
            if not self.dut.busy_o.value:
                return cycle
            await self.step()
        raise AssertionError("the command does not end")


def meets(before: Descriptor, desc: Descriptor, *slots: int) -> bool:
    """Whether operands in these slots may share memory with what the command before writes."""
    written = [tensor for tensor in tensors_of(before) if tensor.written]
    return any(tensor.address < result.end and result.address < tensor.end
               for tensor in tensors_of(desc) if tensor.slot in slots for result in written)


async def check_all(dut, rng: np.random.Generator, stalls: Stalls, program: Program) -> int:
    """Runs a program of MATMULs, each given to the engine when it is ready or a while later; how
    often one was given while another was inside."""
    model_memory = Memory(BASE, SIZE, program.image.copy())
    result = CommandModel(model_memory).run(program.address, program.length)
    assert result.code == Error.NONE, result
    engine = Engine(dut, program, rng, stalls)
    pairs = 0
    for index, desc in enumerate(program.descriptors):
        before = program.descriptors[index - 1] if index else desc
        for _ in range(int(rng.integers(100)) * (rng.random() < 0.3)):
            await engine.step()
        await engine.begin(desc.pack(), meets(before, desc, MatmulSlot.A),
                           meets(before, desc, MatmulSlot.S_VALUES, MatmulSlot.S_INDICES))
        pairs += int(dut.pair_o.value)
    await engine.finish()
    assert not engine.reads.queue and engine.writes.idle, str(program)
    differing = np.flatnonzero(engine.memory.data != model_memory.data)
    assert not differing.size, (f"{differing.size} bytes differ, the first in "
                                f"{program.where(BASE + int(differing[0]))}: {program}")
    assert engine.overflow == result.overflow, str(program)
    return pairs


async def check(dut, rng: np.random.Generator, stalls: Stalls, program: Program) -> Engine:
    """Runs the program's one command on both; the engine as it is then."""
    model_memory = Memory(BASE, SIZE, program.image.copy())
    result = CommandModel(model_memory).run(program.address, 1)
    assert result.code == Error.NONE, result
    at = program.address - BASE
    engine = Engine(dut, program, rng, stalls)
    await engine.begin(program.image[at : at + DESC_BYTES].tobytes())
    await engine.finish()
    name = describe(program.descriptors[0])
    assert not engine.reads.queue and engine.writes.idle, name
    differing = np.flatnonzero(engine.memory.data != model_memory.data)
    assert not differing.size, "\n".join([
        f"{name}: {differing.size} bytes differ",
        *(f"{BASE + at:#x}: expected {model_memory.data[at]:02x} actual "
          f"{engine.memory.data[at]:02x}" for at in differing[:10])])
    assert engine.overflow == result.overflow, f"{name}: overflow expected {result.overflow}"
    return engine


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS))
async def test_random_commands(dut, stalls):
    """Random shapes, N:M, flags and numbers; commands follow each other without reset."""
    rng = make_rng(stalls)
    await start(dut, wr_idle_i=1)
    for _ in range(8):
        await check(dut, rng, STALLS[stalls], random_command(rng))


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS))
async def test_random_convolutions(dut, stalls):
    """Windows, channels, N:M, flags and numbers; products of matrices come in between."""
    rng = make_rng(stalls)
    await start(dut, wr_idle_i=1)
    for _ in range(10):
        await check(dut, rng, STALLS[stalls], random_conv(rng))
        if rng.random() < 0.3:
            await check(dut, rng, STALLS[stalls], random_command(rng))


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS))
async def test_commands_follow_each_other(dut, stalls):
    """Chains of commands that read, and write again, what others near them write."""
    rng = make_rng(stalls)
    await start(dut, wr_idle_i=1)
    pairs = 0
    for _ in range(3):
        program = queue_program(rng, 8, 24, BASE, SIZE)
        pairs += await check_all(dut, rng, STALLS[stalls], program)
    assert pairs > 0


@cocotb.test()
async def test_gap(dut):
    """Between the last multiply of a command and the first of the next, whose operands are not
    made by it: at most 100 cycles and four slots. (Where the interleave of rows becomes smaller,
    the limit of what may wait in the scratchpad of A lets the next chunk in late.)"""
    rng = make_rng()
    shape = array_of(dut, "ROWS", "COLS", "T", "A_DEPTH", "S_DEPTH", "CHUNK_K", "DATA_W")
    await start(dut, wr_idle_i=1)
    writer = ProgramWriter(rng, BASE, SIZE)
    for nm in ((2, 2), (2, 8), (1, 4), (2, 2)):
        writer.matmul(int(rng.integers(20, 40)), int(rng.integers(10, 30)),
                      int(rng.integers(60, 90)), *nm, 0, "ordinary")
    program = writer.finish()
    engine = Engine(dut, program, rng, STALLS["latency"])
    for desc in program.descriptors:
        await engine.begin(desc.pack())
    await engine.finish()
    first, gaps = 0, []
    for desc in program.descriptors:
        plan = Tiling(shape, desc.rows, desc.cols, desc.depth, desc.n, desc.m,
                      desc.flags >> MATMUL_ROW_INTERLEAVE_LSB)
        if first:
            gaps.append(engine.slots[first] - engine.slots[first - 1] - shape.t)
        first += len(plan.tiles) * plan.kept
    assert first == len(engine.slots)
    dut._log.info("cycles without a multiply between commands: %s", gaps)
    assert max(gaps) <= 100 + 4 * shape.t, gaps


@cocotb.test()
async def test_every_nm(dut):
    """Each legal N:M on a shape with partial groups and tiles."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    for nm in LEGAL_NM:
        await check(dut, rng, Stalls(), random_command(rng, size=(5, 19, 21), nm=nm))


@cocotb.test()
@cocotb.parametrize(size=[(1, 1, 1), (1, 40, 3), (40, 1, 3), (2, 2, 150), (33, 17, 16)])
async def test_edges(dut, size):
    rng = make_rng(str(size))
    await start(dut, wr_idle_i=1)
    for flags in (0, MatmulFlag.A_TRANS | MatmulFlag.OUT_FP32):
        for nm in ((2, 2), (1, 16), (15, 16)):
            program = random_command(rng, size=size, nm=nm, flags=flags)
            await check(dut, rng, STALLS["some"], program)


@cocotb.test()
async def test_conv_edges(dut):
    """One window, many positions, nothing but padding, gaps between pixels; both orders."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    cases = [Windows(1, 1, 1, 1, 1), Windows(1, 2, 3, 1, 1, 15, 15, pad_top=7, pad_left=6),
             Windows(2, 3, 2, 2, 2, 2, 2, pad_top=15, pad_left=15),
             Windows(1, 5, 4, 4, 3, 3, 3, 3, 3, 3, 15, 15),
             Windows(2, 7, 6, 3, 4, 2, 1, pad_top=-2, pad_left=-1),
             Windows(1, 5, 4, 4, 5, 2, 2, 0, 0, 1, -3, -2)]
    for windows in cases:
        for flags in (0, MatmulFlag.A_TRANS):
            for nm in ((2, 2), (1, 4)):
                program = random_conv(rng, windows=windows, channels=3, cols=9, nm=nm, flags=flags)
                await check(dut, rng, STALLS["some"], program)


@cocotb.test()
@cocotb.parametrize(a_trans=[0, 1])
async def test_map_that_fits_is_read_once(dut, a_trans):
    """A 3x3 convolution with padding, of several column tiles: each line crosses port 0 once."""
    rng = make_rng()
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut, wr_idle_i=1)
    windows = Windows.sliding(1, cache_lines // 4, 4, 3, 3, pad=1)
    a = None
    while a is None or a.stride != LINE or a.address % (2 * LINE):  # whole lines of any cache
        program = random_conv(rng, windows=windows, channels=32, cols=40, nm=(2, 2), flags=a_trans)
        a = program.descriptors[0].slot(MatmulSlot.A)
    engine = await check(dut, rng, STALLS["latency"], program)
    read = sum(beats for port, _, beats in engine.reads.requests if port == 0)
    read *= engine.reads.beat_bytes
    assert read == cache_lines * LINE


@cocotb.test()
@cocotb.parametrize(by=["flush_i", "rst_n"])
async def test_abandon(dut, by):
    """A flush or reset at any time leaves an engine that executes the next command."""
    rng = make_rng(by)
    await start(dut, wr_idle_i=1)
    for _ in range(12):
        program = random_conv(rng) if rng.random() < 0.5 else random_command(rng, size=(20, 20, 20))
        at = program.address - BASE
        engine = Engine(dut, program, rng, STALLS["some"])
        await engine.begin(program.image[at : at + DESC_BYTES].tobytes())
        for _ in range(int(rng.integers(0, 700))):
            await engine.step()
        active = 1 if by == "flush_i" else 0
        getattr(dut, by).value = active
        engine.reads.clear()
        engine.writes.clear()
        dut.wr_idle_i.value = 1
        await FallingEdge(dut.clk)
        getattr(dut, by).value = 1 - active
        await FallingEdge(dut.clk)
        for name in ("busy_o", "wr_req_valid_o", "wr_data_valid_o", "overflow_o"):
            assert not getattr(dut, name).value, name
        assert not dut.rd_req_valid_o.value.to_unsigned()
        await check(dut, rng, STALLS["some"], random_command(rng, limit=24))
        await check(dut, rng, STALLS["some"], random_conv(rng))
