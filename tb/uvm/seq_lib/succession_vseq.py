# SPDX-License-Identifier: Apache-2.0
"""Every end of a run after every other."""

from __future__ import annotations

from itertools import product

from sat.regs import Ctrl, Reg
from sat_golden.defs import Error
from tb.top.random_program import Program
from tb.uvm.agents.axi_mem.axi_mem_knobs import SLOW
from tb.uvm.env.run import End
from tb.uvm.seq_lib.draw import draw_program
from tb.uvm.seq_lib.error_matrix_vseq import spoil
from tb.uvm.seq_lib.hang_vseq import WATCHDOG
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class SuccessionVSeq(SatBaseVSeq):
    """A random walk over the ends until all pairs have come."""

    async def body(self) -> None:
        ends, missing, last = list(End), set(product(End, End)), None
        while missing:
            new = [end for end in ends if (last, end) in missing] or ends
            end = new[self.rng.integers(len(new))]
            await self._run_to(end, draw_program(self.rng, 2, 10))
            missing.discard((last, end))
            last = end

    async def _run_to(self, end: End, program: Program) -> None:
        if end in (End.DONE, End.FAILED):
            if end == End.FAILED:
                spoil(self.rng, program, program.length - 1, Error.FLAGS)
            await self.run(program)
            return
        await self.load(program, SLOW)
        await self.write(Reg.WATCHDOG, WATCHDOG if end == End.HUNG else 0)
        await self.start_program(program.address, program.length)
        if end == End.HUNG:
            await self.fall_silent()
            await self.answer_again()
            return
        await self.until_state("fetch")
        await self.step(int(self.rng.integers(1, 40)))
        if end == End.CLEARED:
            await self.write(Reg.CTRL, Ctrl.CLEAR)
        else:
            await self.reset()
        await self.rest()
        await self.ending()
        await self.clear()
