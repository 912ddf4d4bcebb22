# SPDX-License-Identifier: Apache-2.0
"""Every set of enabled interrupts."""

from __future__ import annotations

from sat.regs import IrqStatus, Reg
from tb.uvm.seq_lib.draw import draw_program, new_writer
from tb.uvm.seq_lib.sat_base_vseq import ALL_IRQS, END_IRQS, SatBaseVSeq


class IrqVSeq(SatBaseVSeq):
    """With each: a FENCE interrupt in the middle of a program, acknowledged while it runs or not,
    its end, an error, and enabling what is pending."""

    async def body(self) -> None:
        for enabled in range(ALL_IRQS + 1):
            await self._good(enabled)
            program = draw_program(self.rng, 2, 8)
            await self.load(program)
            await self.start_program(program.address + 4, 1, enabled)
            await self.rest()
            await self._end()

    async def _good(self, enabled: int) -> None:
        writer = new_writer(self.rng)
        writer.matmul(5, 6, 7, 2, 4, 0, "ordinary")
        writer.fence(irq=True)
        writer.matmul(20, 20, 20, 8, 8, 0, "ordinary")
        program = writer.finish()
        await self.load(program)
        await self.start_program(program.address, program.length, enabled)
        if enabled & IrqStatus.FENCE:
            await self.interrupt()
            await self.read(Reg.IRQ_STATUS)
            await self.write(Reg.IRQ_STATUS, END_IRQS)
            if self.rng.random() < 0.5:
                await self.write(Reg.IRQ_STATUS, IrqStatus.FENCE)
            await self.read(Reg.IRQ_STATUS)
        await self.rest()
        await self._end()

    async def _end(self) -> None:
        await self.ending()
        await self.write(Reg.IRQ_ENABLE, ALL_IRQS)  # what is pending shows as soon as enabled
        await self.read(Reg.IRQ_STATUS)
        for irq in IrqStatus:
            await self.write(Reg.IRQ_STATUS, irq)
            await self.read(Reg.IRQ_STATUS)
        await self.clear()
