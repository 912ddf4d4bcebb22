# SPDX-License-Identifier: Apache-2.0
"""The whole core on cocotb's AXI memory, which checks the protocol and stalls every channel.

The first programs are those of test_random_programs.py, with the same seeds.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, with_timeout

from sat.config import SatConfig
from sat.plan import array_slots
from sat.regs import COUNTERS, ID_VALUE, Ctrl, IrqStatus, Reg, Status
from sat_golden.defs import (
    DESC_BYTES,
    M_MAX,
    AffineFlag,
    Error,
    FenceFlag,
    MatmulFlag,
    Opcode,
    PruneFlag,
    StatsFlag,
    UpdateFlag,
)
from sat_golden.memory import ErrorRegion
from sat_golden.tensors import tensors_of
from sat_golden.windows import Windows
from tb.common.axi_memory import (
    OKAY,
    SLVERR,
    AxiMemory,
    AxiMemoryCfg,
    number,
    prefix_pins,
    right_lasts,
)
from tb.common.axil import AxilMaster
from tb.common.rng import make_rng
from tb.top.expect import Expected
from tb.top.random_program import (
    BASE,
    SIZE,
    Program,
    ProgramWriter,
    each_seed,
    matmul_program,
    mixed_program,
    random_program,
)

PERIOD_NS = 10
LIMIT_NS = 3_000_000
ALL_IRQS = IrqStatus.DONE | IrqStatus.ERROR | IrqStatus.FENCE


@dataclass
class Ending:
    """Registers after an interrupt."""

    status: int
    irqs: int
    error: tuple[int, int, int]  # code, index, address


class Bench:
    """Core, memory and register master."""

    def __init__(self, dut, rng: np.random.Generator, cfg: AxiMemoryCfg) -> None:
        self.dut, self.rng = dut, rng
        self.config = SatConfig.from_name(os.environ["SHAPE"])
        self.random = 0, 0  # seed and step of the program
        for name in ("s_axil_awprot", "s_axil_arprot", "m_axi_bid", "m_axi_rid"):
            getattr(dut, name).value = 0
        dut.aresetn.value = 0
        Clock(dut.aclk, PERIOD_NS, unit="ns").start()
        self.axil = AxilMaster(dut, dut.aclk, rng, stall=0.3)
        self.memory = AxiMemory(dut.aclk, dut.aresetn, prefix_pins(dut), SIZE, rng, cfg, BASE)
        if cocotb.SIM_NAME.startswith("Icarus"):
            cocotb.start_soon(watch_outputs(dut))

    async def step(self, cycles: int) -> None:
        await ClockCycles(self.dut.aclk, cycles, FallingEdge)

    async def reset(self) -> None:
        self.dut.aresetn.value = 0
        await self.step(4)
        self.dut.aresetn.value = 1
        await self.step(1)

    async def write(self, reg: Reg, value: int) -> None:
        assert await self.axil.write(reg, value) == OKAY

    async def read(self, reg: int) -> int:
        value, response = await self.axil.read(reg)
        assert response == OKAY
        return value

    async def read_pair(self, low: int) -> int:
        return await self.read(low) | await self.read(low + 4) << 32

    async def counters(self) -> dict[str, int]:
        return {name: await self.read_pair(offset) for name, offset in COUNTERS.items()}

    def load(self, program: Program) -> None:
        self.memory.image[:] = program.image
        self.memory.write_count[:] = 0
        self.random = program.seed, program.step

    async def prepare(self, address: int, length: int,
                      irqs: int = IrqStatus.DONE | IrqStatus.ERROR) -> None:
        await self.write(Reg.PROG_ADDR_LO, address & 0xFFFFFFFF)
        await self.write(Reg.PROG_ADDR_HI, address >> 32)
        await self.write(Reg.PROG_LEN, length)
        for register, word in zip((Reg.SEED, Reg.STEP), self.random):
            await self.write(register, word)
        await self.write(Reg.IRQ_ENABLE, irqs)

    async def start(self, address: int, length: int,
                    irqs: int = IrqStatus.DONE | IrqStatus.ERROR) -> None:
        await self.prepare(address, length, irqs)
        await self.write(Reg.CTRL, Ctrl.START)

    async def interrupt(self) -> None:
        if not self.dut.irq.value:
            await with_timeout(RisingEdge(self.dut.irq), LIMIT_NS, "ns")
        await FallingEdge(self.dut.aclk)

    async def ending(self) -> Ending:
        error = (await self.read(Reg.ERR_CODE), await self.read(Reg.ERR_INDEX),
                 await self.read_pair(Reg.ERR_ADDR_LO))
        return Ending(await self.read(Reg.STATUS), await self.read(Reg.IRQ_STATUS), error)

    async def clear(self) -> None:
        await self.write(Reg.CTRL, Ctrl.CLEAR)
        await self.write(Reg.IRQ_STATUS, ALL_IRQS)
        assert not self.dut.irq.value

    async def drained(self) -> None:
        while await self.read(Reg.STATUS) & (Status.DRAINING | Status.BUSY):
            pass

    async def run(self, program: Program, errors: tuple[ErrorRegion, ...] = ()) -> Expected:
        """Runs a program to its end, good or bad, and checks memory and registers."""
        expected = Expected(program, errors)
        self.load(program)
        for region in errors:
            self.memory.add_error(region.start, region.end - region.start,
                                  region.response, region.on_read, region.on_write)
        await self.start(program.address, program.length)
        await self.interrupt()
        end = await self.ending()
        failed = expected.result.code != Error.NONE
        expected.check_error(*end.error)
        assert end.irqs & ~IrqStatus.FENCE == (IrqStatus.ERROR if failed else IrqStatus.DONE)
        assert end.status & ~Status.OVERFLOW == (Status.ERROR if failed else Status.DONE)
        expected.check_overflow(bool(end.status & Status.OVERFLOW))
        assert not self.memory.outstanding
        expected.check_memory(self.memory.image)
        self.memory.clear_errors()
        return expected

    async def run_another(self) -> None:
        """The core is as good as new."""
        await self.clear()
        await self.run(random_program(self.rng, 2, 12))
        await self.clear()


OUTPUTS = (("", ("irq",)),
           ("s_axil_", ("awready", "wready", "bvalid", "arready", "rvalid")),
           ("m_axi_", ("awvalid", "wvalid", "bready", "arvalid", "rready")))


async def watch_outputs(dut) -> None:
    """In four-state simulation: what the core drives without a valid is always known after the
    first cycle of a reset. Memory model and register master look at the rest."""
    pins = [getattr(dut, prefix + name) for prefix, names in OUTPUTS for name in names]
    await RisingEdge(dut.aclk)
    while True:
        await FallingEdge(dut.aclk)
        for pin in pins:
            number(pin)


async def begin(dut, name: str) -> Bench:
    rng = make_rng(name)
    bench = Bench(dut, rng, AxiMemoryCfg.stalled(float(rng.choice([0.4, 0.8])), (0, 60)))
    await bench.reset()
    return bench


async def run_and_count(bench: Bench, program: Program) -> None:
    """Runs a good program; the counters must agree with what the memory saw."""
    memory = bench.memory
    beats = memory.read_beats
    expected = await bench.run(program)
    counters = await bench.counters()
    writes = memory.write_count
    assert writes.max() <= 1, f"{int(writes.max())} writes of a byte: {program}"
    assert counters["BYTES_READ"] == (memory.read_beats - beats) * memory.beat_bytes
    assert counters["BYTES_WRITTEN"] == int(writes.sum())
    slots = sum(array_slots(bench.config, desc) for desc in program.descriptors)
    assert counters["ARRAY_SLOTS"] == slots
    working = slots * bench.config.t
    waiting = sum(counters[name] for name in ("STALL_A", "STALL_S", "STALL_DRAIN"))
    assert working <= counters["ARRAY_BUSY"] - waiting or not slots
    for name in ("ARRAY_BUSY", "VECTOR_BUSY", "RDMA_BUSY", "WDMA_BUSY"):
        assert counters[name] <= counters["CYCLES"], f"{name}: {counters}"
    opcodes = {desc.opcode for desc in program.descriptors}
    assert bool(counters["ARRAY_BUSY"]) == (Opcode.MATMUL in opcodes)
    assert bool(counters["VECTOR_BUSY"]) == bool(opcodes - {Opcode.MATMUL, Opcode.FENCE})
    assert expected.result.completed == program.length
    await bench.clear()


@cocotb.test()
async def test_identity(dut):
    bench = await begin(dut, "identity")
    config = bench.config
    assert await bench.read(Reg.ID) == ID_VALUE
    assert await bench.read(Reg.CAPS0) == (
        config.rows | config.cols << 8 | config.t << 16 | M_MAX << 24)
    assert await bench.read(Reg.CAPS1) == config.data_w | config.addr_w << 16
    for reg in (Reg.STATUS, Reg.IRQ_STATUS, Reg.IRQ_ENABLE, Reg.ERR_CODE, Reg.WATCHDOG):
        assert await bench.read(reg) == 0
    assert set((await bench.counters()).values()) == {0}


@cocotb.test()
async def test_smoke(dut):
    """Every command once, on few and crooked rows, twice; between them an error and a clear."""
    bench = await begin(dut, "smoke")
    writer = ProgramWriter(make_rng("smoke program"), chained=0.5)
    windows = Windows.sliding(1, 3, 3, 2, 2, pad=1)
    writer.weights(Opcode.PRUNE, 9, 5, 1, 4, PruneFlag.FF | PruneFlag.BP, "ordinary")
    writer.weights(Opcode.UPDATE, 9, 5, 2, 8, UpdateFlag.FF | UpdateFlag.BP | UpdateFlag.DECAY,
                   "ordinary")
    writer.matmul(3, 5, 9, 2, 4, MatmulFlag.BIAS | MatmulFlag.RELU, "ordinary")
    writer.matmul(3, 5, 9, 2, 2, MatmulFlag.A_TRANS | MatmulFlag.OUT_FP32, "ordinary")
    writer.conv(windows, 3, 5, 2, 4, MatmulFlag.MASK, "ordinary")
    writer.affine(3, 5, AffineFlag.SECOND, "ordinary")
    writer.stats(3, 5, StatsFlag.SECOND, "ordinary")
    winner = writer.pool(windows, 3, "ordinary")
    writer.pool_backward(windows.transposed(), 3, "ordinary", winner)
    writer.fence(irq=False)
    program = writer.finish()
    await bench.run(program)
    await bench.clear()
    line = program.address + DESC_BYTES
    failed = await bench.run(program, (ErrorRegion(line, line + DESC_BYTES, decerr=True),))
    assert failed.result.code == Error.READ_DECERR
    await bench.clear()
    await bench.run(program)


@cocotb.test()
async def test_matmuls(dut):
    bench = await begin(dut, "matmuls")
    for seed in each_seed(0, 12):
        await run_and_count(bench, matmul_program(seed))


@cocotb.test()
async def test_mixed_programs(dut):
    bench = await begin(dut, "mixed")
    for seed in each_seed(0, 5):
        await run_and_count(bench, mixed_program(seed))


@cocotb.test()
async def test_interrupts(dut):
    """Each comes when its event does, shows only if enabled, and goes when its bit is cleared."""
    bench = await begin(dut, "interrupts")
    writer = ProgramWriter(make_rng("interrupt program"))
    writer.matmul(5, 6, 7, 2, 4, 0, "ordinary")
    writer.fence(irq=True)
    writer.matmul(30, 30, 30, 8, 8, 0, "ordinary")
    program = writer.finish()
    assert program.descriptors[1].flags == FenceFlag.IRQ
    image = Expected(program).memory.data

    for enabled in range(ALL_IRQS + 1):
        bench.load(program)
        await bench.start(program.address, program.length, enabled)
        if enabled & IrqStatus.FENCE:
            await bench.interrupt()
            assert await bench.read(Reg.STATUS) & Status.BUSY
            assert await bench.read(Reg.IRQ_STATUS) == IrqStatus.FENCE
            await bench.write(Reg.IRQ_STATUS, IrqStatus.DONE | IrqStatus.ERROR)
            assert dut.irq.value
            await bench.write(Reg.IRQ_STATUS, IrqStatus.FENCE)
            assert not dut.irq.value and await bench.read(Reg.IRQ_STATUS) == 0
        if enabled & IrqStatus.DONE:
            await bench.interrupt()
        while await bench.read(Reg.STATUS) & Status.BUSY:
            pass
        expected = IrqStatus.DONE | (0 if enabled & IrqStatus.FENCE else IrqStatus.FENCE)
        assert await bench.read(Reg.IRQ_STATUS) == expected
        assert bool(dut.irq.value) == bool(enabled & expected)
        assert np.array_equal(bench.memory.image, image)
        await bench.write(Reg.IRQ_ENABLE, ALL_IRQS)  # what is pending shows as soon as enabled
        assert dut.irq.value
        await bench.clear()

        await bench.start(program.address + 4, 1, enabled)
        assert await bench.read(Reg.IRQ_STATUS) == IrqStatus.ERROR
        assert bool(dut.irq.value) == bool(enabled & IrqStatus.ERROR)
        await bench.clear()


@cocotb.test()
async def test_bus_errors(dut):
    """On a descriptor, on the first operand and on the result."""
    bench = await begin(dut, "bus errors")
    for seed in each_seed(0, 8):
        program = random_program(make_rng("bus error", seed), 3, 30, matmul_share=0.8)
        tensors = [tensor for desc in program.descriptors for tensor in tensors_of(desc)]
        places = [program.address + DESC_BYTES]
        places += [tensors[0].address] if tensors else []
        places += [next(t.address for t in tensors if t.written)] if tensors else []
        for place in places:
            line = place // 64 * 64
            region = ErrorRegion(line, line + 64, decerr=bool(seed % 2))
            expected = await bench.run(program, (region,))
            assert expected.result.code != Error.NONE
            await bench.run_another()


async def start_random(bench: Bench) -> Program:
    """Starts a program and waits until it is well under way."""
    program = random_program(bench.rng, int(bench.rng.integers(2, 6)), 40)
    bench.load(program)
    await bench.start(program.address, program.length)
    await bench.step(int(bench.rng.integers(20, 1500)))
    return program


@cocotb.test()
async def test_reset_in_mid_command(dut):
    bench = await begin(dut, "reset")
    for _ in range(8):
        program = await start_random(bench)
        await bench.reset()
        for name in ("arvalid", "awvalid", "wvalid"):
            assert not getattr(dut, f"m_axi_{name}").value
        end = await bench.ending()
        assert (end.status, end.irqs, end.error) == (0, 0, (0, 0, 0))
        await bench.step(100)
        Expected(program).check_untouched(bench.memory.image)
        await bench.run_another()


@cocotb.test()
async def test_start_while_busy(dut):
    bench = await begin(dut, "busy")
    for _ in range(6):
        program = await start_random(bench)
        await bench.prepare(0x40, 3)
        if not await bench.read(Reg.STATUS) & Status.BUSY:
            await bench.clear()
            continue
        await bench.write(Reg.CTRL, Ctrl.START)
        end = await bench.ending()
        assert end.error[0] == Error.BUSY and end.error[2] == 0x40
        assert end.status & Status.ERROR and end.irqs & IrqStatus.ERROR
        await bench.write(Reg.IRQ_STATUS, IrqStatus.ERROR)
        await bench.interrupt()
        Expected(program).check_memory(bench.memory.image)
        await bench.run_another()


@cocotb.test()
async def test_clear_stops_a_program(dut):
    bench = await begin(dut, "clear")
    for _ in range(6):
        program = await start_random(bench)
        await bench.write(Reg.CTRL, Ctrl.CLEAR)
        await bench.drained()
        assert not bench.memory.outstanding
        Expected(program).check_untouched(bench.memory.image)
        await bench.run_another()


@cocotb.test()
async def test_dead_memory(dut):
    """HANG with the oldest command's descriptor; the late answers are taken and dropped."""
    bench = await begin(dut, "dead")
    await bench.write(Reg.WATCHDOG, 400)
    for _ in range(4):
        program = random_program(bench.rng, 3, 40)
        bench.load(program)
        bench.memory.dead = True
        await bench.start(program.address, program.length)
        await bench.interrupt()
        end = await bench.ending()
        assert end.error == (Error.HANG, 0, program.address)
        assert end.status == Status.ERROR | Status.DRAINING
        bench.memory.dead = False
        await bench.drained()
        assert np.array_equal(bench.memory.image, program.image)
        await bench.run_another()


@cocotb.test()
async def test_burst_that_ends_early_stays_open(dut):
    """RLAST comes too early, and some beats never: reported when the bus has been silent, and the
    core drains until they come after all."""
    bench = await begin(dut, "short burst")
    memory = bench.memory
    await bench.write(Reg.WATCHDOG, 400)
    for burst in [0, 0, 1, 2, 3, 5, 8, 13]:
        program = matmul_program(int(bench.rng.integers(1000)))
        bench.load(program)
        memory.reads.clear()
        missing = 0

        def lasts(beats, burst=burst):
            nonlocal missing
            if len(memory.reads) != burst + 1 or beats == 1:
                return right_lasts(beats)
            missing = int(bench.rng.integers(1, beats))
            return right_lasts(beats - missing)
        memory.lasts = lasts
        await bench.start(program.address, program.length)
        await bench.interrupt()
        end = await bench.ending()
        memory.lasts = right_lasts
        if not missing:
            assert end.status & ~Status.OVERFLOW == Status.DONE
            await bench.clear()
            continue
        assert end.error[0] in (Error.READ_PROTOCOL, Error.HANG)
        assert end.status & (Status.ERROR | Status.DRAINING) == Status.ERROR | Status.DRAINING
        await bench.clear()
        await bench.step(1000)
        await bench.start(program.address, program.length)  # refused
        assert (await bench.ending()).error[0] == Error.BUSY
        if burst % 2:
            await bench.reset()
        else:
            memory.stray_beats(right_lasts(missing))
            await bench.drained()
        Expected(program).check_untouched(memory.image)
        await bench.run_another()
        await bench.write(Reg.WATCHDOG, 400)


@cocotb.test()
async def test_burst_that_ends_late_is_an_error(dut):
    """RLAST is missing, and beats come that nobody asked for."""
    bench = await begin(dut, "long burst")
    memory = bench.memory
    for burst in [0, 1, 2, 3, 5, 8, 13]:
        program = matmul_program(int(bench.rng.integers(1000)))
        bench.load(program)
        memory.reads.clear()
        more = int(bench.rng.integers(1, 5))

        def lasts(beats, burst=burst, more=more):
            return right_lasts(beats + more if len(memory.reads) == burst + 1 else beats)
        memory.lasts = lasts
        await bench.start(program.address, program.length)
        await bench.interrupt()
        end = await bench.ending()
        memory.lasts = right_lasts
        if len(memory.reads) > burst:
            first, beats = memory.reads[burst]
            assert (end.error[0], end.error[2]) == (
                Error.READ_PROTOCOL, first + (beats - 1) * memory.beat_bytes)
        while memory.outstanding:
            await bench.step(1)
        await bench.drained()
        Expected(program).check_untouched(memory.image)
        await bench.run_another()


@cocotb.test()
async def test_answers_that_nobody_asked_for_are_dropped(dut):
    bench = await begin(dut, "stray")
    for _ in range(4):
        bench.memory.stray_beats([bool(last) for last in bench.rng.integers(0, 2, 5)])
        bench.memory.stray_response(SLVERR)
        while bench.memory.outstanding:
            await bench.step(1)
        end = await bench.ending()
        assert (end.status & ~Status.OVERFLOW, end.irqs, end.error) == (0, 0, (0, 0, 0))
        await bench.run(random_program(bench.rng, 2, 12))
        await bench.clear()


@cocotb.test()
async def test_start_and_clear_in_one_write(dut):
    """It is a clear: of a running program, of an error, of a refused start, or of nothing."""
    bench = await begin(dut, "start and clear")
    both = Ctrl.START | Ctrl.CLEAR
    for _ in range(3):
        program = await start_random(bench)
        await bench.write(Reg.CTRL, both)
        await bench.drained()
        await bench.step(200)
        end = await bench.ending()
        assert end.status & ~Status.OVERFLOW & ~Status.DONE == 0 and end.error == (0, 0, 0)
        Expected(program).check_untouched(bench.memory.image)
        await bench.run_another()

        bench.load(program)
        await bench.start(program.address + 64, 1)  # an error, cleared; nothing starts
        await bench.interrupt()
        await bench.write(Reg.PROG_ADDR_LO, program.address & 0xFFFFFFFF)
        await bench.write(Reg.CTRL, both)
        await bench.write(Reg.IRQ_STATUS, ALL_IRQS)
        await bench.step(200)
        end = await bench.ending()
        assert (end.status & ~Status.OVERFLOW, end.irqs, end.error) == (0, 0, (0, 0, 0))
        assert np.array_equal(bench.memory.image, program.image)

        # The next program runs, and a clear of what it refused does not stop it.
        expected = Expected(program)
        await bench.start(program.address, program.length)
        await bench.write(Reg.CTRL, Ctrl.START)
        refused = await bench.read(Reg.STATUS) & Status.ERROR
        await bench.write(Reg.CTRL, both)
        if refused:
            await bench.write(Reg.IRQ_STATUS, IrqStatus.ERROR)
            await bench.interrupt()
            end = await bench.ending()
            assert end.status & ~Status.OVERFLOW == Status.DONE and end.error == (0, 0, 0)
            expected.check_memory(bench.memory.image)
        await bench.drained()
        await bench.clear()
