# SPDX-License-Identifier: Apache-2.0
"""A start, a clear or a reset at any time."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

import numpy as np

from sat.regs import Ctrl, IrqStatus, Reg
from tb.top.random_program import Program
from tb.uvm.agents.axi_mem.axi_mem_knobs import SLOW
from tb.uvm.seq_lib.draw import draw_program
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class Action(Enum):
    START = auto()
    CLEAR = auto()
    RESET = auto()


class Situation(Enum):
    """What the core does when the action comes."""

    IDLE = auto()
    RUNNING = auto()
    DRAINING = auto()  # after a clear, while a slow memory still answers
    ERROR = auto()     # waiting for a clear


class InterfereVSeq(SatBaseVSeq):
    """Each round brings the core into a situation, acts, and then mostly runs another program as
    if nothing had happened."""

    def __init__(self, rng: np.random.Generator, rounds: int, actions: Sequence[Action]) -> None:
        super().__init__(rng)
        self.rounds, self.actions = rounds, list(actions)

    async def body(self) -> None:
        for _ in range(self.rounds):
            situation = Situation(int(self.rng.choice([1, 2, 2, 2, 3, 4])))
            program = draw_program(self.rng, 5, 24)
            await self._reach(situation, program)
            await self._act(self.actions[self.rng.integers(len(self.actions))], program)
            await self.rest()
            await self.ending()
            await self.clear()
            if self.rng.random() < 0.6:
                await self.run(draw_program(self.rng, 2, 10))

    async def _reach(self, situation: Situation, program: Program) -> None:
        knobs = SLOW if situation == Situation.DRAINING else None
        await self.load(program, knobs)
        if situation == Situation.ERROR:
            await self.start_program(program.address + 64, 1)
            await self.ending()
        elif situation != Situation.IDLE:
            await self.start_program(program.address, program.length)
            await self.step(int(self.rng.choice([0, 5, 20, 100, 400, 1500])
                                * self.rng.random()))
        if situation == Situation.DRAINING:
            await self.write(Reg.CTRL, Ctrl.CLEAR)

    async def _act(self, action: Action, program: Program) -> None:
        if action == Action.RESET:
            await self.reset(int(self.rng.integers(1, 6)))
        elif action == Action.CLEAR:
            # A start in the same write is ignored.
            ignored = Ctrl.START if self.rng.random() < 0.5 else 0
            await self.write(Reg.CTRL, Ctrl.CLEAR | ignored)
        else:
            # An address that is refused in any state: nothing else can follow from it.
            await self.write(Reg.PROG_ADDR_LO, (program.address + 4) & 0xFFFFFFFF)
            await self.write(Reg.CTRL, Ctrl.START)
            await self.ending()
            if self.rng.random() < 0.3:
                await self.write(Reg.CTRL, Ctrl.CLEAR)  # forgets a refusal, not the program
            await self.write(Reg.IRQ_STATUS, IrqStatus.ERROR)
