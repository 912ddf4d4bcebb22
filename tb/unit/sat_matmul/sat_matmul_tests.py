# SPDX-License-Identifier: Apache-2.0
"""sat_matmul: whole commands against the golden command model, comparing all of memory."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden import CommandModel, Memory
from sat_golden.defs import DESC_BYTES, Error, MatmulFlag
from tb.common.beats import Beats
from tb.common.clock import start
from tb.common.dma_ports import STALLS, ReadPorts, Stalls, WritePort
from tb.common.rng import make_rng
from tb.top.random_program import LEGAL_NM, NUMBERS, Program, ProgramWriter, describe

BASE = (1 << 39) + 0x12000
SIZE = 1 << 18
READ_PORTS = 6


def random_command(rng: np.random.Generator, limit: int = 40, **fixed) -> Program:
    """One MATMUL with sides up to `limit`; `fixed` sets size, nm, flags or numbers."""
    writer = ProgramWriter(rng, BASE, SIZE)
    size = fixed.get("size") or tuple(int(x) for x in rng.integers(1, limit + 1, 3))
    nm = fixed.get("nm") or LEGAL_NM[rng.integers(len(LEGAL_NM))]
    flags = fixed.get("flags", int(rng.integers(0, 1 << 6)))
    writer.matmul(*size, *nm, flags, fixed.get("numbers") or str(rng.choice(NUMBERS)))
    return writer.finish()


class Engine:
    """The engine with memory behind its ports; `step` serves one clock cycle."""

    def __init__(self, dut, program: Program, rng: np.random.Generator, stalls: Stalls):
        self.dut = dut
        self.memory = Beats(BASE, program.image.copy())
        self.reads = ReadPorts(dut, self.memory.fetch, rng, stalls, READ_PORTS, "rd_")
        self.writes = WritePort(dut, self.memory.store, rng, stalls, "wr_")
        self.overflow = False

    async def step(self) -> None:
        self.reads.cycle()
        self.writes.cycle()
        self.dut.wr_idle_i.value = int(self.writes.idle)
        await FallingEdge(self.dut.clk)
        self.overflow |= bool(self.dut.overflow_o.value)

    async def begin(self, descriptor: bytes) -> None:
        self.dut.desc_i.value = int.from_bytes(descriptor, "little")
        self.dut.start_i.value = 1
        await self.step()
        self.dut.start_i.value = 0
        self.dut.desc_i.value = (1 << 1024) - 1  # valid with start_i only
        assert self.dut.busy_o.value

    async def finish(self, limit: int = 100_000) -> int:
        """Cycles until the command is complete."""
        for cycle in range(limit):
            if not self.dut.busy_o.value:
                return cycle
            await self.step()
        raise AssertionError("the command does not end")


async def check(dut, rng: np.random.Generator, stalls: Stalls, program: Program) -> None:
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


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS))
async def test_random_commands(dut, stalls):
    """Random shapes, N:M, flags and numbers; commands follow each other without reset."""
    rng = make_rng(stalls)
    await start(dut, wr_idle_i=1)
    for _ in range(8):
        await check(dut, rng, STALLS[stalls], random_command(rng))


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
@cocotb.parametrize(by=["flush_i", "rst_n"])
async def test_abandon(dut, by):
    """A flush or reset at any time leaves an engine that executes the next command."""
    rng = make_rng(by)
    await start(dut, wr_idle_i=1)
    for _ in range(12):
        program = random_command(rng, size=(20, 20, 20))
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
