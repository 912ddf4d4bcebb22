# SPDX-License-Identifier: Apache-2.0
"""The memory falls silent."""

from __future__ import annotations

import numpy as np

from sat.regs import Ctrl, Reg, Status
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs
from tb.uvm.seq_lib.draw import draw_program
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq

WATCHDOG = 500  # cycles: more than any latency and stall of the memory


class HangVSeq(SatBaseVSeq):
    """At some time of each program, until the watchdog has reported it (or the program has ended
    without noticing). Then the memory answers again, before or after the clear."""

    def __init__(self, rng: np.random.Generator, rounds: int) -> None:
        super().__init__(rng)
        self.rounds = rounds

    async def body(self) -> None:
        await self.write(Reg.WATCHDOG, WATCHDOG)
        for _ in range(self.rounds):
            program = draw_program(self.rng, 3, 24)
            await self.load(program, AxiMemKnobs())
            if self.rng.random() < 0.2:
                await self.memory(silent=True)  # the first descriptor does not come
                await self.start_program(program.address, program.length)
            else:
                await self.start_program(program.address, program.length)
                await self.step(int(self.rng.choice([1, 60, 150, 400, 1000]) * self.rng.random()))
            end = await self.fall_silent()
            if end.status & Status.DRAINING and self.rng.random() < 0.5:
                await self.clear()
                await self.write(Reg.CTRL, Ctrl.START)  # refused while draining
                await self.ending()
            await self.answer_again()
            if self.rng.random() < 0.5:
                await self.run(draw_program(self.rng, 2, 10))
        await self.write(Reg.WATCHDOG, 0)
