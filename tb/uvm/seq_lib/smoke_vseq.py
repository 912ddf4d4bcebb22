# SPDX-License-Identifier: Apache-2.0
"""One command of each kind, and a little of everything else."""

from __future__ import annotations

from sat.regs import Reg
from sat_golden.defs import Opcode
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs, Stall
from tb.uvm.seq_lib.draw import ADD, new_writer
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq


class SmokeVSeq(SatBaseVSeq):
    async def body(self) -> None:
        for register in (Reg.ID, Reg.VERSION, Reg.CAPS0, Reg.CAPS1, Reg.STATUS):
            await self.read(register)
        writer = new_writer(self.rng)
        writer.matmul(5, 6, 7, 2, 4, 0, "ordinary")
        writer.weights(Opcode.PRUNE, 9, 7, 2, 8, 3, "ordinary")
        writer.weights(Opcode.UPDATE, 9, 7, 2, 8, 3, "ordinary")
        writer.fence(irq=True)
        for add in ADD.values():
            add(writer, 8)
        program = writer.finish()
        for stall in Stall:
            await self.run(program, AxiMemKnobs(stall, p=0.5))
        await self.run(program, address=program.address + 4)
