# SPDX-License-Identifier: Apache-2.0
"""Tests of kind `board`: one seed of what tb/top/test_bad_input.py does in batches, on any
configuration. Each takes a board of the fast simulation and a seed."""

from __future__ import annotations

from sat.regs import Ctrl, IrqStatus, Reg, Status
from sat_golden.defs import Error
from tb.common.rng import make_rng
from tb.top.board import SILENT, Board
from tb.top.expect import Expected
from tb.top.mutate import mutate
from tb.top.test_bad_input import (
    check_fails,
    check_next,
    draw_program,
    draw_region,
    started,
    wait_until_drained,
)


def mutated_program(core: Board, seed: int) -> None:
    """A program with a field that is wrong, mostly: the documented error, or the right result."""
    rng = make_rng("mutant", seed)
    check_fails(core, mutate(rng, draw_program(rng, int(rng.integers(1, 5)))), seed)


def bus_error(core: Board, seed: int) -> None:
    """SLVERR or DECERR somewhere in the descriptors or tensors of a program."""
    rng = make_rng("bus error", seed)
    program = draw_program(rng, int(rng.integers(1, 7)))
    check_fails(core, program, seed, [draw_region(rng, program)])


def reset_in_mid_command(core: Board, seed: int) -> None:
    """A reset at a random time: all registers as after power-up, nothing stray written."""
    program, _ = started(core, make_rng("reset", seed), seed)
    core.reset()
    end = core.ending()
    assert (end.status, end.irqs, end.code) == (0, 0, Error.NONE)
    Expected(program).check_untouched(core.image(program))
    check_next(core, seed)


def clear_in_mid_command(core: Board, seed: int) -> None:
    """A clear at a random time: no error, no interrupt, nothing stray written."""
    program, _ = started(core, make_rng("clear", seed), seed)
    core.write_register(Reg.CTRL, Ctrl.CLEAR)
    wait_until_drained(core)
    end = core.ending()
    assert end.irqs & ~IrqStatus.FENCE == 0 and end.status & ~Status.OVERFLOW == 0
    assert end.code == Error.NONE
    Expected(program).check_untouched(core.image(program))
    check_next(core, seed)


def memory_falls_silent(core: Board, seed: int) -> None:
    """The watchdog reports a memory that stops to answer; the core goes on when it answers again.
    """
    rng = make_rng("silent", seed)
    program, _ = started(core, rng, seed, watchdog=int(rng.integers(200, 600)))
    core.set_pauses(SILENT, seed)
    core.wait_for_interrupt()
    end = core.ending()
    assert (end.code, end.irqs & ~IrqStatus.FENCE) == (Error.HANG, IrqStatus.ERROR)
    core.set_pauses(0.3, seed)
    wait_until_drained(core)
    Expected(program).check_untouched(core.image(program))
    check_next(core, seed)
    core.write_register(Reg.WATCHDOG, 0)
