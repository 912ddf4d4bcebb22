# SPDX-License-Identifier: Apache-2.0
"""Programs and memories that are wrong, on the core in fast simulation.

Whatever goes wrong: the documented code, index and address, an interrupt, no write outside the
outputs of the commands that ran, and a core that runs the next program correctly after a clear.
"""

from __future__ import annotations

import numpy as np
import pytest

from sat.regs import Ctrl, IrqStatus, Reg, Status
from sat_golden.defs import DESC_BYTES, TENSOR_ALIGN, Error, Opcode
from sat_golden.memory import ErrorRegion
from tb.common.rng import make_rng
from tb.top.board import ALL_IRQS, SILENT, Board, run_batch
from tb.top.expect import Expected
from tb.top.mutate import mutate
from tb.top.random_program import Program, random_program

SHAPE = "4x8"
SIZE = 1 << 18
LIMIT = 24  # sides of tensors
ADDR_W = 40
BATCH = 40
MUTANTS = 1000
BUS_ERRORS = 800
STOPS = 80


def batches(total: int, size: int = BATCH):
    return pytest.mark.parametrize("batch", range(total // size))


def run(batch: int, test, count: int = BATCH) -> None:
    run_batch(SHAPE, batch, count, test, SIZE)


def draw_program(rng: np.random.Generator, commands: int, limit: int = LIMIT) -> Program:
    return random_program(rng, commands, limit, size=SIZE)


def check_next(core: Board, seed: int) -> None:
    """After a clear, the core runs another program as if nothing had happened."""
    core.clear()
    core.check(draw_program(make_rng("next", seed), 2, 12), seed + 1)


def check_fails(core: Board, program: Program, seed: int, errors: list[ErrorRegion] = ()) -> Error:
    """Runs a program that may be wrong; returns the error code it met."""
    expected = Expected(program, errors)
    core.prepare(program, seed)
    core.inject(errors)
    end = core.run_to_end(program)
    failed = expected.result.code != Error.NONE
    expected.check_error(end.code, end.index, end.address)
    assert end.irqs & ~IrqStatus.FENCE == (IrqStatus.ERROR if failed else IrqStatus.DONE)
    assert end.status & ~Status.OVERFLOW == (Status.ERROR if failed else Status.DONE)
    expected.check_overflow(end.overflow)
    core.step(200)  # nothing may come later
    expected.check_memory(core.image(program))
    check_next(core, seed)
    return Error(end.code)


# Programs


@batches(MUTANTS)
def test_mutated_programs(batch):
    def one(core: Board, seed: int) -> None:
        rng = make_rng("mutant", seed)
        check_fails(core, mutate(rng, draw_program(rng, int(rng.integers(1, 5)))), seed)

    run(batch, one)


def test_mutants_meet_every_check():
    """The golden model alone: the mutants above fail in every way a descriptor can."""
    met: dict[Error, set[int]] = {}
    for seed in range(1, MUTANTS + 1):
        rng = make_rng("mutant", seed)
        program = mutate(rng, draw_program(rng, int(rng.integers(1, 5))))
        result = Expected(program).result
        at = program.address - program.base + DESC_BYTES * result.index
        met.setdefault(result.code, set()).add(int(program.image[at]))
    assert set(met) >= {Error.NONE, Error.OPCODE, Error.FLAGS, Error.NM, Error.SIZE, Error.ALIGN,
                        Error.STRIDE, Error.RANGE, Error.READ_DECERR}
    met_in_slots = met[Error.ALIGN] | met[Error.STRIDE] | met[Error.RANGE]
    for name, opcodes in (("flags", met[Error.FLAGS]), ("sizes", met[Error.SIZE]),
                          ("slots", met_in_slots)):
        assert opcodes >= set(Opcode) - {Opcode.FENCE}, f"bad {name} only in {opcodes}"


def test_program_registers():
    """Addresses and lengths that name no program. Nothing is read or written."""
    def one(core: Board, seed: int) -> None:
        program = draw_program(make_rng("registers", seed), 2)
        end = 1 << ADDR_W
        cases = [(program.address + 4, 2), (program.address + 64, 2), (program.address, 0),
                 (end - DESC_BYTES, 2), (end, 1), (program.address + (1 << 45), 2),
                 (program.address + (1 << 63), 2), (end - (1 << 38), 0x8000_0001),
                 (end - DESC_BYTES, 0x2000_0001)]
        for address, length in cases:
            core.prepare(program, seed)
            counters = core.read_counters()
            core.start(address, length)
            core.wait_for_interrupt()
            ending = core.ending()
            assert (ending.code, ending.index, ending.address) == (Error.PROGRAM, 0, address)
            assert ending.irqs == IrqStatus.ERROR and ending.status == Status.ERROR
            assert core.read_counters() == counters, "bus traffic"
            assert np.array_equal(core.image(program), program.image)
            check_next(core, seed)

    run(0, one, 1)


@pytest.mark.parametrize("address", [0, (1 << ADDR_W) - DESC_BYTES])
def test_no_memory_at_the_program(address):
    """A legal address where nothing answers, the last of the space included."""
    def one(core: Board, seed: int) -> None:
        core.start(address, 1)
        core.wait_for_interrupt()
        ending = core.ending()
        assert (ending.code, ending.index, ending.address) == (Error.READ_DECERR, 0, address)
        check_next(core, seed)

    run(0, one, 1)


# Memory


def draw_region(rng: np.random.Generator, program: Program) -> ErrorRegion:
    """An error in the program itself or in a tensor: a few lines, or some rows' width."""
    places = [(program.address + DESC_BYTES * index, DESC_BYTES)
              for index in range(program.length)]
    for desc in program.descriptors:
        places += [(tensor.address, tensor.end - tensor.address) for tensor in desc.tensors()] * 2
    start, size = places[rng.integers(len(places))]
    lines = -(-size // TENSOR_ALIGN)
    first = int(rng.choice([0, lines - 1, rng.integers(lines)]))
    count = int(rng.choice([1, 2, rng.integers(1, lines - first + 1)]))
    start += TENSOR_ALIGN * first
    ways = int(rng.integers(1, 4))
    return ErrorRegion(start, start + TENSOR_ALIGN * min(count, lines - first),
                       bool(rng.integers(2)), bool(ways & 1), bool(ways & 2))


def draw_bus_error(seed: int) -> tuple[Program, ErrorRegion]:
    rng = make_rng("bus error", seed)
    program = draw_program(rng, int(rng.integers(1, 7)))
    return program, draw_region(rng, program)


@batches(BUS_ERRORS)
def test_bus_errors(batch):
    """SLVERR and DECERR anywhere: descriptors, operands, results, on reads, writes or both."""
    def one(core: Board, seed: int) -> None:
        program, region = draw_bus_error(seed)
        check_fails(core, program, seed, [region])

    run(batch, one)


def test_bus_errors_meet_every_code():
    """The golden model alone."""
    met = set()
    for seed in range(1, BUS_ERRORS // 4 + 1):
        program, region = draw_bus_error(seed)
        met.add(Expected(program, [region]).result.code)
    assert met == {Error.NONE, Error.READ_SLVERR, Error.READ_DECERR, Error.WRITE_SLVERR,
                   Error.WRITE_DECERR}


@batches(STOPS)
def test_memory_falls_silent(batch):
    """The watchdog reports it; when the memory answers again, the core drains and goes on."""
    def one(core: Board, seed: int) -> None:
        rng = make_rng("silent", seed)
        program, steps = started(core, rng, seed, watchdog=int(rng.integers(200, 600)))
        core.set_pauses(SILENT, seed)
        core.wait_for_interrupt()
        end = core.ending()
        assert (end.code, end.irqs & ~IrqStatus.FENCE) == (Error.HANG, IrqStatus.ERROR)
        assert end.status & ~Status.OVERFLOW & ~STATUS_ENGINES == Status.ERROR | Status.DRAINING
        assert end.index < program.length, f"after {steps} cycles: {program}"
        assert end.address == program.address + DESC_BYTES * end.index
        if rng.random() < 0.5:
            core.clear()
            assert core.read_register(Reg.STATUS) & Status.DRAINING
            check_refused(core, program, end.address)
        core.set_pauses(0.3, seed)
        wait_until_drained(core)
        Expected(program).check_untouched(core.image(program))
        check_next(core, seed)
        core.write_register(Reg.WATCHDOG, 0)

    run(batch, one)


def test_slow_memory_is_no_hang():
    def one(core: Board, seed: int) -> None:
        core.write_register(Reg.WATCHDOG, 500)
        program = draw_program(make_rng("slow", seed), 4)
        expected = Expected(program)
        core.prepare(program)
        core.set_latency(450, 450)
        end = core.run_to_end(program)
        assert end.code == Error.NONE
        expected.check_memory(core.image(program))
        core.clear()
        core.write_register(Reg.WATCHDOG, 0)

    run(0, one, 4)


# Host


STATUS_ENGINES = Status.MATMUL_BUSY | Status.VECTOR_BUSY


def started(core: Board, rng: np.random.Generator, seed: int,
            watchdog: int = 0) -> tuple[Program, int]:
    """Starts a random program and lets it run to a random place well before its end."""
    program = draw_program(rng, int(rng.integers(1, 7)))
    cycles = core.check(program, seed)["CYCLES"]
    core.prepare(program, seed)
    core.write_register(Reg.WATCHDOG, watchdog)
    core.start(program.address, program.length)
    steps = int(rng.integers(0, max(1, cycles - 100)))
    core.step(steps)
    return program, steps


def wait_until_drained(core: Board) -> None:
    for _ in range(5000):
        if not core.read_register(Reg.STATUS) & (Status.DRAINING | Status.BUSY):
            return
    raise AssertionError("the core does not come to rest")


def check_refused(core: Board, program: Program, address: int) -> None:
    """A start now is reported as BUSY."""
    core.write_register(Reg.PROG_ADDR_LO, address & 0xFFFFFFFF)
    core.write_register(Reg.PROG_ADDR_HI, address >> 32)
    core.write_register(Reg.PROG_LEN, 1)
    core.write_register(Reg.CTRL, Ctrl.START)
    end = core.ending()
    assert end.irqs & IrqStatus.ERROR and end.status & Status.ERROR
    assert end.code == Error.BUSY and end.address == address
    assert end.index < program.length


@batches(STOPS)
def test_start_while_busy(batch):
    """The start is refused and reported; the running program is not disturbed."""
    def one(core: Board, seed: int) -> None:
        rng = make_rng("busy", seed)
        program, _ = started(core, rng, seed)
        expected = Expected(program)
        check_refused(core, program, int(rng.integers(0, 1 << 63)))
        assert core.read_register(Reg.STATUS) & Status.BUSY
        if rng.random() < 0.5:  # forgets the refused start, not the program
            core.write_register(Reg.CTRL, Ctrl.CLEAR)
            assert core.read_register(Reg.STATUS) & (Status.BUSY | Status.ERROR) == Status.BUSY
        core.write_register(Reg.IRQ_STATUS, IrqStatus.ERROR)
        core.wait_for_interrupt()
        assert core.ending().irqs & ~IrqStatus.FENCE == IrqStatus.DONE
        expected.check_memory(core.image(program))
        check_next(core, seed)

    run(batch, one)


@batches(STOPS)
def test_clear_stops_a_program(batch):
    """A clear in mid-program: no error, no interrupt, nothing written outside the outputs."""
    def one(core: Board, seed: int) -> None:
        rng = make_rng("clear", seed)
        program, _ = started(core, rng, seed)
        core.write_register(Reg.CTRL, Ctrl.CLEAR)
        wait_until_drained(core)
        end = core.ending()
        assert end.irqs & ~IrqStatus.FENCE == 0 and end.status & ~Status.OVERFLOW == 0
        assert end.code == Error.NONE
        before = core.image(program)
        core.step(200)
        assert np.array_equal(before, core.image(program)), "written after the end"
        Expected(program).check_untouched(before)
        check_next(core, seed)

    run(batch, one)


@batches(STOPS)
def test_reset_in_mid_command(batch):
    def one(core: Board, seed: int) -> None:
        program, _ = started(core, make_rng("reset", seed), seed)
        core.reset()
        end = core.ending()
        assert (end.status, end.irqs, end.code) == (0, 0, Error.NONE)
        assert core.read_register(Reg.IRQ_ENABLE) == 0
        Expected(program).check_untouched(core.image(program))
        check_next(core, seed)

    run(batch, one)


def test_first_error_is_kept():
    """Until the clear, a start is refused, and the registers keep the first error."""
    def one(core: Board, seed: int) -> None:
        program = draw_program(make_rng("first", seed), 2)
        core.prepare(program, seed)
        core.start(program.address + 4, 1)
        core.wait_for_interrupt()
        first = core.ending()
        core.write_register(Reg.IRQ_STATUS, ALL_IRQS)
        core.start(program.address, program.length)
        core.wait_for_interrupt()
        assert core.ending() == first and first.code == Error.PROGRAM
        core.step(1000)
        assert np.array_equal(core.image(program), program.image)
        check_next(core, seed)

    run(0, one, 5)
