# SPDX-License-Identifier: Apache-2.0
"""A start, a clear and a reset in every state that lasts."""

from __future__ import annotations

from itertools import product

from sat.regs import Ctrl, Reg
from tb.top.random_program import Program
from tb.uvm.agents.axi_mem.axi_mem_knobs import SLOW
from tb.uvm.cov.flow_cov import LONG_STATES
from tb.uvm.seq_lib.draw import draw_program, new_writer
from tb.uvm.seq_lib.interfere_vseq import InterfereVSeq


class StateVSeq(InterfereVSeq):
    """Each action of each state, in random order, then another program as if nothing had happened.
    """

    async def body(self) -> None:
        cases = list(product(LONG_STATES, self.actions)) * self.rounds
        for at in self.rng.permutation(len(cases)):
            state, action = cases[at]
            program = self._two_products()
            await self.load(program, SLOW)
            await self._reach_state(state, program)
            await self._act(action, program)
            await self.memory(silent=False)
            await self.rest()
            await self.ending()
            await self.clear()
            await self.run(draw_program(self.rng, 2, 10))

    def _two_products(self) -> Program:
        """The second waits until the first is done."""
        writer = new_writer(self.rng, chained=0.0)
        for _ in range(2):
            writer.matmul(24, 24, 60, 2, 4, 0, "ordinary")
        return writer.finish()

    async def _reach_state(self, state: str, program: Program) -> None:
        if state == "idle":
            return
        if state == "error":
            await self.start_program(program.address + 64, 1)
            await self.rest()
            return
        await self.memory(silent=state == "drain")
        await self.start_program(program.address, program.length)
        if state == "drain":
            await self.write(Reg.CTRL, Ctrl.CLEAR)
        if state == "issue":  # the first product does not wait there
            await self.until_state("issue")
            await self.until_state("fetch")
        await self.until_state(state)
