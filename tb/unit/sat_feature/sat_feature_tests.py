# SPDX-License-Identifier: Apache-2.0
"""AFFINE, STATS and POOL in sat_vector against the golden model, comparing all of memory."""

from __future__ import annotations

import cocotb
import numpy as np

from sat_golden import Memory
from sat_golden.defs import AffineFlag, Opcode, PoolFlag, StatsFlag
from sat_golden.memory import lines_of
from sat_golden.tensors import tensors_of
from sat_golden.windows import Windows
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.unit.sat_feature.feature_commands import random_feature
from tb.unit.sat_vector.dma_memory import LINE_BYTES, DmaMemory, Stalls
from tb.unit.sat_vector.sat_vector_tests import STALLS, expected_of, random_command

OPCODES = ["AFFINE", "STATS", "POOL"]


def readable(descriptor, memory: Memory) -> np.ndarray:
    """bool per line of the memory: is it one of a tensor that the command reads?"""
    lines = np.zeros(memory.size // LINE_BYTES, bool)
    for tensor in tensors_of(descriptor):
        if tensor.read:
            for first, last in zip(*lines_of(tensor)):
                lines[(first - memory.base) // LINE_BYTES:(last - memory.base) // LINE_BYTES] = True
    return lines


async def check(dut, rng: np.random.Generator, stalls: Stalls, descriptor, memory: Memory,
                tampered: int | None = None) -> DmaMemory:
    """Runs the command; AssertionError on any difference. The byte at offset `tampered` is changed
    behind the golden model's back."""
    expected, overflow = expected_of(descriptor, memory)
    if tampered is not None:
        memory.data[tampered] ^= 0x40
    before = memory.data.copy()
    dma = DmaMemory(dut, memory, stalls, rng, readable(descriptor, memory))
    await dma.run(descriptor.pack())
    differing = np.flatnonzero(memory.data != expected)
    assert not differing.size, "\n".join([
        f"{descriptor}: {differing.size} bytes differ",
        *(f"{memory.base + at:#x}: before {before[at]:02x} expected {expected[at]:02x} "
          f"actual {memory.data[at]:02x}" for at in differing[:10])])
    assert bool(dma.overflows) == overflow, f"{descriptor}: overflow expected {overflow}"
    return dma


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), opcode=OPCODES)
async def test_random_commands(dut, stalls, opcode):
    """Random shapes, flags, windows and values; commands follow each other without reset."""
    rng = make_rng(f"{stalls} {opcode}")
    await start(dut, wr_idle_i=1)
    for number in range(24):
        special = (0.0, 0.02, 0.5)[number % 3]
        await check(dut, rng, STALLS[stalls], *random_feature(rng, Opcode[opcode], special))


@cocotb.test()
async def test_commands_mixed(dut):
    """All commands of the engine in turn, sharing lanes and ports."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    for _ in range(30):
        opcode = Opcode[rng.choice(["PRUNE", "UPDATE", *OPCODES])]
        feature = opcode.name in OPCODES
        command = (random_feature if feature else random_command)(rng, opcode, special=0.02)
        await check(dut, rng, STALLS["both"], *command)


@cocotb.test()
@cocotb.parametrize(cols=[1, 3, 4, 5, 8, 9, 31, 63, 64, 65, 128, 150, 257])
async def test_few_rows(dut, cols):
    """Fewer rows than the pipelines have stages, and more, for every remainder of channels."""
    rng = make_rng(str(cols))
    await start(dut, wr_idle_i=1)
    for rows in (1, 2, 7, 8, 9, 17):
        for opcode in (Opcode.AFFINE, Opcode.STATS):
            command = random_feature(rng, opcode, rows=rows, cols=cols)
            await check(dut, rng, STALLS["none" if rows % 2 else "both"], *command)


@cocotb.test()
@cocotb.parametrize(opcode=OPCODES)
async def test_slow_sink(dut, opcode):
    """Many bands of channels, read as far ahead as queues and parameter RAMs allow."""
    rng = make_rng(opcode)
    await start(dut, wr_idle_i=1)
    for rows in (1, 2, 3, 5):
        windows = Windows(1, 2, 2, 2, 2, 1, 2)
        command = random_feature(rng, Opcode[opcode], rows=rows, cols=333, windows=windows)
        await check(dut, rng, Stalls(write=0.9), *command)


@cocotb.test()
async def test_pool_of_a_layer(dut):
    """Maximum pooling as in networks, and its gradient with the winners just written."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    for kernel, stride, pad in ((2, 2, 0), (3, 2, 1), (3, 1, 1), (4, 4, 0)):
        windows = Windows.sliding(2, 8, 9, kernel, kernel, stride=stride, pad=pad)
        for flags in (0, PoolFlag.BACKWARD):
            command = random_feature(rng, Opcode.POOL, 0.1, cols=70, flags=flags,
                                     windows=windows.transposed() if flags else windows)
            await check(dut, rng, STALLS["both"], *command)


@cocotb.test()
async def test_windows_outside(dut):
    """Windows that see no pixel give +0 and winner 0, without any read."""
    rng = make_rng()
    await start(dut, wr_idle_i=1)
    windows = Windows(2, 1, 1, 3, 4, 1, 2, step_log2=3, pad_top=4)
    for flags in (0, PoolFlag.BACKWARD):
        command = random_feature(rng, Opcode.POOL, cols=67, flags=flags, windows=windows)
        dma = await check(dut, rng, STALLS["both"], *command)
        assert dma.beats_read == 0


@cocotb.test(expect_fail=True)
@cocotb.parametrize(opcode=OPCODES)
async def test_tampered_operand_fails(dut, opcode):
    rng = make_rng(opcode)
    await start(dut, wr_idle_i=1)
    windows = Windows(1, 2, 2, 1, 1, 2, 2)
    descriptor, memory = random_feature(rng, Opcode[opcode], cols=5, flags=0, windows=windows)
    first_of_x = descriptor.slot(0).address - memory.base
    await check(dut, rng, Stalls(), descriptor, memory, tampered=first_of_x + 1)


@cocotb.test()
@cocotb.parametrize(opcode=OPCODES)
async def test_flush(dut, opcode):
    """A flush at any time leaves an engine that executes the next command."""
    rng = make_rng(opcode)
    await start(dut, wr_idle_i=1)
    cols = 100 * parameters(dut, "DATA_W")[0] // 128
    for after in (1, 2, 5, 10, 20, 40, 70, 110, 160, 230, 300, 400):
        windows = Windows(2, 6, 6, 6, 6, 3, 3, pad_top=1, pad_left=1)
        descriptor, memory = random_feature(rng, Opcode[opcode], rows=40, cols=cols,
                                            windows=windows)
        dma = DmaMemory(dut, memory, Stalls(read=0.2, write=0.2), rng)
        dut.desc_i.value = int.from_bytes(descriptor.pack(), "little")
        dut.start_i.value = 1
        await dma.step()
        dut.start_i.value = 0
        for _ in range(after):
            await dma.step()
        assert dut.busy_o.value, "the command ends before the flush"
        dut.flush_i.value = 1
        dut.rd_rsp_valid_i.value = 0
        dut.wr_idle_i.value = 1
        await cocotb.triggers.FallingEdge(dut.clk)
        dut.flush_i.value = 0
        assert not dut.busy_o.value
        next_opcode = Opcode[rng.choice(OPCODES)]
        await check(dut, rng, STALLS["both"], *random_feature(rng, next_opcode, 0.02))


@cocotb.test()
async def test_throughput(dut):
    """Cycles beyond the ideal, filling and draining included, with 40 cycles of memory latency."""
    rng = make_rng()
    lanes = parameters(dut, "DATA_W")[0] // 32
    await start(dut, wr_idle_i=1)
    second = AffineFlag.SECOND
    for opcode, flags, cols, per_vector, limit in [
        (Opcode.AFFINE, 0, 64, 1, 140),
        (Opcode.AFFINE, 0, 16, 1, 140),
        (Opcode.AFFINE, second, 64, 2, 180),
        (Opcode.STATS, 0, 64, 1, 260),
        (Opcode.STATS, StatsFlag.SECOND, 64, 1, 260),
    ]:
        command = random_feature(rng, opcode, rows=256, cols=cols, flags=flags)
        dma = await check(dut, rng, Stalls(latency=40), *command)
        ideal = 256 * -(-cols // lanes) * per_vector
        cocotb.log.info("%s flags %d, %d channels: %d cycles, %d beyond the ideal", opcode.name,
                        flags, cols, dma.cycles, dma.cycles - ideal)
        assert dma.cycles <= ideal + limit
    for flags, cols in [(0, 64), (0, 8), (PoolFlag.BACKWARD, 64)]:
        windows = Windows.sliding(2, 16, 16, 2, 2, stride=2)
        windows = windows.transposed() if flags else windows
        command = random_feature(rng, Opcode.POOL, cols=cols, flags=flags, windows=windows)
        dma = await check(dut, rng, Stalls(latency=40), *command)
        # Of 2x2 positions each window sees all and takes a cycle for each of their beats; backward
        # it sees one, with a cycle for each vector. The reader takes 4 cycles.
        beats = -(-cols // (2 * lanes))
        ideal = 512 * max(2 * beats, 4) if flags else 128 * max(4 * beats, 4)
        cocotb.log.info("POOL flags %d, %d channels: %d cycles, ideal %d", flags, cols, dma.cycles,
                        ideal)
        assert dma.cycles <= 1.1 * ideal + 140
