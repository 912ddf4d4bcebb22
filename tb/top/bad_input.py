# SPDX-License-Identifier: Apache-2.0
"""Programs and memories that are wrong: a run on a board of the fast simulation for each seed.

Whatever goes wrong: the documented code, index and address, an interrupt, no write outside the
outputs of the commands that ran, and a core that runs the next program correctly after a clear.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from sat.regs import Ctrl, IrqStatus, Reg, Status
from sat_golden import Windows
from sat_golden.checks import Fault, check
from sat_golden.defs import (
    COLS_MAX,
    DESC_BYTES,
    FIELDS,
    SIZE_MAX,
    STRIDE_MAX,
    TENSOR_ALIGN,
    Error,
    MatmulFlag,
    Opcode,
    PruneFlag,
    UpdateFlag,
)
from sat_golden.descriptor import Slot, aligned
from sat_golden.hazards import Command, command_hazards
from sat_golden.memory import ErrorRegion
from sat_golden.tensors import Tensor, tensors_of
from tb.common.require import require
from tb.common.rng import make_rng
from tb.top.board import ALL_IRQS, SILENT, Board, Ending
from tb.top.error_region import draw_region
from tb.top.expect import Expected
from tb.top.mutate import mutate
from tb.top.random_program import (
    ADDR_W,
    BASE,
    Program,
    ProgramWriter,
    dealt,
    draw_base,
    random_program,
)

SIZE = 1 << 18
LIMIT = 24  # sides of tensors
KERNEL_MOST = (1 << FIELDS["KERNEL_H"][2]) - 1
SIZED = [(Opcode.MATMUL, False), (Opcode.PRUNE, False), (Opcode.UPDATE, False),
         (Opcode.AFFINE, False), (Opcode.STATS, False), *[(Opcode.MATMUL, True)] * 2,
         *[(Opcode.POOL, True)] * 2]  # commands, and whether with windows
MANY_SIZE = 1 << 20  # of a memory that holds a long program
MANY_LOG2 = 12  # of the FENCEs in it, at most
END = 1 << ADDR_W
LONGEST_WORK = 256  # cycles without progress in a legal program (docs/reference/commands.md, HANG)
STATUS_ENGINES = Status.MATMUL_BUSY | Status.VECTOR_BUSY


def draw_program(rng: np.random.Generator, commands: int, limit: int = LIMIT) -> Program:
    return random_program(rng, commands, limit, draw_base(rng, SIZE), SIZE)


def check_next(core: Board, seed: int) -> None:
    """After a clear, the core runs another program as if nothing had happened."""
    core.clear()
    core.check(draw_program(make_rng("next", seed), 2, 12), seed + 1)


def check_fails(core: Board, program: Program, seed: int, errors: list[ErrorRegion] = ()) -> None:
    """Runs a program that may be wrong."""
    expected = Expected(program, errors, 2 * core.config.lanes)
    core.prepare(program, seed)
    core.inject(errors)
    end = core.run_to_end(program)
    failed = expected.result.code != Error.NONE
    expected.check_error(end.code, end.index, end.address)
    require(end.irqs & ~IrqStatus.FENCE == (IrqStatus.ERROR if failed else IrqStatus.DONE)
            and end.status & ~Status.OVERFLOW == (Status.ERROR if failed else Status.DONE),
            "%s: %s", end, program)
    expected.check_overflow(end.overflow)
    core.step(200)  # nothing may come later
    expected.check_memory(core.image(program))
    check_next(core, seed)


# Programs


def draw_mutant(seed: int) -> Program:
    rng = make_rng("mutant", seed)
    return mutate(rng, draw_program(rng, int(rng.integers(1, 5))))


def mutated_program(core: Board, seed: int) -> None:
    """A program with a field that is wrong, mostly: the documented error, or the right result."""
    check_fails(core, draw_mutant(seed), seed)


def program_registers(core: Board, seed: int) -> None:
    """Addresses and lengths that name no program. Nothing is read or written."""
    program = draw_program(make_rng("registers", seed), 2)
    cases = [(program.address + 4, 2), (program.address + 64, 2), (program.address, 0),
             (END - DESC_BYTES, 2), (END, 1), (program.address + (1 << 45), 2),
             (program.address + (1 << 63), 2), (END - (1 << 38), 0x8000_0001),
             (END - DESC_BYTES, 0x2000_0001)]
    for address, length in cases:
        core.prepare(program, seed)
        counters = core.read_counters()
        core.start(address, length)
        core.wait_for_interrupt()
        ending = core.ending()
        require(ending == Ending(Status.ERROR, IrqStatus.ERROR, Error.PROGRAM, 0, address),
                "%s after a start at %#x of %d", ending, address, length)
        require(core.read_counters() == counters, "bus traffic")
        require(np.array_equal(core.image(program), program.image), "memory was written")
        check_next(core, seed)


def draw_start(seed: int) -> Program:
    """A program, but for its address and length."""
    rng = make_rng("start", seed)
    program = draw_program(rng, 2)
    bits = int(rng.choice([32, rng.integers(1, 33)]))
    length = int(rng.choice([program.length, rng.integers(1 << bits)]))
    last = END - DESC_BYTES * length
    address = int(rng.choice([
        program.address,
        program.address + int(rng.integers(1, DESC_BYTES)),
        program.base + DESC_BYTES * int(rng.integers(program.image.size // DESC_BYTES)),
        int(rng.integers(END, 1 << 63)) // DESC_BYTES * DESC_BYTES,
        int(rng.integers(END)) // DESC_BYTES * DESC_BYTES,
        max(last, 0), last + DESC_BYTES if last > 0 else 0]))
    return replace(program, address=address, length=length)


def any_start(core: Board, seed: int) -> None:
    """Programs that are not there, that are longer than what is there, or that cannot be."""
    check_fails(core, draw_start(seed), seed)


def no_memory_at_the_program(core: Board, seed: int) -> None:
    """Legal addresses where nothing answers, the first and the last of the space."""
    for address in 0, END - DESC_BYTES:
        core.place(BASE)
        core.start(address, 1)
        core.wait_for_interrupt()
        ending = core.ending()
        require((ending.code, ending.index, ending.address) == (Error.READ_DECERR, 0, address),
                "%s after a start at %#x", ending, address)
        check_next(core, seed)


def draw_size(rng: np.random.Generator, most: int = COLS_MAX) -> int:
    """1..most: the largest, any, or of any magnitude, so that all bits are set and clear."""
    bits = int(rng.choice([most.bit_length(), rng.integers(1, most.bit_length() + 1)]))
    return int(rng.choice([most, rng.integers(1, 1 << bits)], p=[0.3, 0.7]))


def draw_window_sizes(rng: np.random.Generator) -> dict[str, int]:
    """Many images, or a map and windows that are very tall or very wide; mostly the kernel's least
    and largest sides."""
    names = "rows", "map_h", "map_w", "out_h", "out_w"
    sizes = {name: int(rng.choice([1, 1, 1, 2])) for name in names}
    axis = str(rng.choice(["rows", "h", "w"]))
    sizes |= {name: draw_size(rng, SIZE_MAX if axis == "rows" else COLS_MAX)
              for name in sizes if name.endswith(axis)}
    kernel = rng.choice([1, KERNEL_MOST, KERNEL_MOST, rng.integers(1, KERNEL_MOST + 1)], 2)
    return sizes | {"kernel_h": int(kernel[0]), "kernel_w": int(kernel[1])}


def draw_nowhere(seed: int) -> Program:
    """One command with all sizes up to the largest, and its tensors anywhere but on each other."""
    rng = make_rng("nowhere", seed)
    wanted = dealt(seed, SIZED, "nowhere")
    desc = None
    while not desc or (desc.opcode, desc.has_windows) != wanted:
        program = draw_program(rng, 1)
        desc = program.descriptors[-1]
    while True:
        sizes = {name: draw_size(rng, COLS_MAX if name == "cols" else SIZE_MAX)
                 for name in ("rows", "cols", "depth") if getattr(desc, name)}
        if desc.has_windows:
            sizes |= draw_window_sizes(rng)
        big = replace(desc, **sizes)
        big = replace(big, slots={tensor.slot: draw_slot(rng, tensor)
                                  for tensor in tensors_of(big)})
        with contextlib.suppress(Fault):
            check(big.pack(), program.address, ADDR_W)
            if not any(command_hazards(Command(0, big, tensors_of(big), set()), ())):
                break
    image = program.image.copy()
    image[program.address - program.base :][:DESC_BYTES] = np.frombuffer(big.pack(), np.uint8)
    return Program(program.base, image, program.address, 1, [big])


def draw_slot(rng: np.random.Generator, tensor: Tensor) -> Slot:
    """Anywhere; a stride from the least to what the field holds, mostly little more."""
    stride = 0
    if tensor.stride:
        least = aligned(tensor.row_bytes)
        more = max(0, STRIDE_MAX - least) // TENSOR_ALIGN >> int(rng.integers(18))
        stride = least + TENSOR_ALIGN * int(rng.integers(more + 1))
    room = END - tensor.row_bytes - (tensor.rows - 1) * stride
    return Slot(TENSOR_ALIGN * int(rng.integers(max(1, room // TENSOR_ALIGN))), stride)


def nowhere(core: Board, seed: int) -> None:
    """Sizes and strides fill every register that holds one, and then there is no such memory."""
    check_fails(core, draw_nowhere(seed), seed)


# Memory


def draw_bus_error(seed: int) -> tuple[Program, ErrorRegion]:
    rng = make_rng("bus error", seed)
    program = draw_program(rng, int(rng.integers(1, 7)))
    return program, draw_region(rng, program)


def bus_error(core: Board, seed: int) -> None:
    """SLVERR or DECERR anywhere: descriptors, operands, results, on reads, writes or both."""
    program, region = draw_bus_error(seed)
    check_fails(core, program, seed, [region])


def error_after_many(core: Board, seed: int) -> None:
    """A bus error, mostly, in one of a few commands that come after up to thousands of FENCEs."""
    rng = make_rng("many", seed)
    fences = int(rng.integers(1 << int(rng.integers(MANY_LOG2)), 1 << MANY_LOG2))
    program = random_program(rng, 3, LIMIT, draw_base(rng, MANY_SIZE), MANY_SIZE, fences=fences)
    check_fails(core, program, seed, [draw_region(rng, program, fences)])


def memory_falls_silent(core: Board, seed: int) -> None:
    """The watchdog reports it; when the memory answers again, the core drains and goes on."""
    rng = make_rng("silent", seed)
    program, steps = started(core, rng, seed, watchdog=int(rng.integers(2500, 4000)))
    core.set_pauses(SILENT, seed)
    core.wait_for_interrupt()
    end = core.ending()
    require((end.code, end.irqs & ~IrqStatus.FENCE) == (Error.HANG, IrqStatus.ERROR)
            and end.status & ~Status.OVERFLOW & ~STATUS_ENGINES == Status.ERROR | Status.DRAINING
            and end.index < program.length
            and end.address == program.address + DESC_BYTES * end.index,
            "%s after %d cycles: %s", end, steps, program)
    if rng.random() < 0.5:
        core.clear()
        require(core.read_register(Reg.STATUS) & Status.DRAINING, "not draining: %s", program)
        check_refused(core, program, end.address)
    core.set_pauses(0.3, seed)
    wait_until_drained(core)
    Expected(program).check_untouched(core.image(program))
    check_next(core, seed)
    core.write_register(Reg.WATCHDOG, 0)


def slow_memory_is_no_hang(core: Board, seed: int) -> None:
    core.write_register(Reg.WATCHDOG, 500)
    program = draw_program(make_rng("slow", seed), 4)
    expected = Expected(program)
    core.prepare(program)
    core.set_latency(450, 450)
    end = core.run_to_end(program)
    require(end.code == Error.NONE, "%s: %s", end, program)
    expected.check_memory(core.image(program))
    core.clear()
    core.write_register(Reg.WATCHDOG, 0)


def long_work_is_no_hang(core: Board, seed: int) -> None:
    """Commands that compute for long without the bus, on a memory that answers at once."""
    writer = ProgramWriter(make_rng("long", seed), BASE, SIZE, 0.0)
    unseen = Windows(1, 1, 1, 9, 9, 15, 15, step_log2=3, pad_top=15, pad_left=15)
    writer.matmul(30, 8, 260, 4, 4, 0, "ordinary")     # a chunk of A, then slots
    writer.matmul(30, 8, 260, 1, 16, MatmulFlag.A_TRANS, "ordinary")
    writer.conv(unseen, 1, 8, 2, 2, 0, "ordinary")     # A is zeros, nearly
    writer.pool(replace(unseen, kernel_h=4, kernel_w=4), 1, "ordinary")
    writer.stats(9, 64, 0, "ordinary")                 # the sums of a band
    writer.weights(Opcode.UPDATE, 32, 32, 16, 16, UpdateFlag.FF | UpdateFlag.BP, "ordinary")
    writer.weights(Opcode.PRUNE, 32, 32, 1, 16, PruneFlag.BP, "ordinary")
    core.reset()                                       # the map cache is to be swept
    program = writer.finish()
    expected = Expected(program)
    core.prepare(program)
    core.set_latency(1, 1)
    core.set_pauses(0.0)
    core.write_register(Reg.WATCHDOG, LONGEST_WORK)
    end = core.run_to_end(program)
    require(end.code == Error.NONE, "%s: %s", end, program)
    expected.check_memory(core.image(program))
    core.clear()
    core.write_register(Reg.WATCHDOG, 0)


# Host


def started(core: Board, rng: np.random.Generator, seed: int,
            watchdog: int = 0) -> tuple[Program, int]:
    """Starts a random program and lets it run to a random place well before its end."""
    program = draw_program(rng, int(rng.integers(1, 7)))
    core.check(program, seed)  # after a reset, a convolution waits until the map cache is swept
    cycles = core.check(program, seed)["CYCLES"]
    core.prepare(program, seed)
    core.write_register(Reg.WATCHDOG, watchdog)
    core.start(program.address, program.length)
    # Pauses fall in other cycles this time, so that it may take less.
    steps = int(rng.integers(0, max(1, cycles * 4 // 5 - 100)))
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
    require(end.irqs & IrqStatus.ERROR and end.status & Status.ERROR and end.code == Error.BUSY
            and end.address == address and end.index < program.length,
            "%s after a start at %#x while busy with %s", end, address, program)


def start_while_busy(core: Board, seed: int) -> None:
    """The start is refused and reported; the running program is not disturbed."""
    rng = make_rng("busy", seed)
    program, _ = started(core, rng, seed)
    expected = Expected(program)
    check_refused(core, program, int(rng.integers(0, 1 << 63)))
    require(core.read_register(Reg.STATUS) & Status.BUSY, "not busy: %s", program)
    if rng.random() < 0.5:  # forgets the refused start, not the program
        core.write_register(Reg.CTRL, Ctrl.CLEAR)
        status = core.read_register(Reg.STATUS)
        require(status & (Status.BUSY | Status.ERROR) == Status.BUSY, "STATUS %#x: %s", status,
                program)
    core.write_register(Reg.IRQ_STATUS, IrqStatus.ERROR)
    core.wait_for_interrupt()
    end = core.ending()
    require(end.irqs & ~IrqStatus.FENCE == IrqStatus.DONE, "%s: %s", end, program)
    expected.check_memory(core.image(program))
    check_next(core, seed)


def clear_in_mid_command(core: Board, seed: int) -> None:
    """A clear at a random time: no error, no interrupt, nothing written outside the outputs."""
    program, _ = started(core, make_rng("clear", seed), seed)
    core.write_register(Reg.CTRL, Ctrl.CLEAR)
    wait_until_drained(core)
    end = core.ending()
    require(end.irqs & ~IrqStatus.FENCE == 0 and end.status & ~Status.OVERFLOW == 0
            and end.code == Error.NONE, "%s: %s", end, program)
    before = core.image(program)
    core.step(200)
    require(np.array_equal(before, core.image(program)), "written after the end")
    Expected(program).check_untouched(before)
    check_next(core, seed)


def reset_in_mid_command(core: Board, seed: int) -> None:
    """A reset at a random time: all registers as after power-up, nothing stray written."""
    program, _ = started(core, make_rng("reset", seed), seed)
    core.reset()
    end = core.ending()
    require((end.status, end.irqs, end.code, core.read_register(Reg.IRQ_ENABLE))
            == (0, 0, Error.NONE, 0), "%s after a reset: %s", end, program)
    Expected(program).check_untouched(core.image(program))
    check_next(core, seed)


def first_error_is_kept(core: Board, seed: int) -> None:
    """Until the clear, a start is refused, and the registers keep the first error."""
    program = draw_program(make_rng("first", seed), 2)
    core.prepare(program, seed)
    core.start(program.address + 4, 1)
    core.wait_for_interrupt()
    first = core.ending()
    core.write_register(Reg.IRQ_STATUS, ALL_IRQS)
    core.start(program.address, program.length)
    core.wait_for_interrupt()
    end = core.ending()
    require(end == first and first.code == Error.PROGRAM, "first %s, then %s", first, end)
    core.step(1000)
    require(np.array_equal(core.image(program), program.image), "memory was written")
    check_next(core, seed)
