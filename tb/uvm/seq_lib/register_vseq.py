# SPDX-License-Identifier: Apache-2.0
"""The registers against the register model: reset values, bits, accesses, front and back door."""

from __future__ import annotations

from sat.regs import Reg
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.ral.sat_reg import SatReg
from tb.uvm.seq_lib.draw import draw_program
from tb.uvm.seq_lib.sat_base_vseq import SatBaseVSeq

WINDOW = 4096


class RegisterVSeq(SatBaseVSeq):
    """Compares with the register model itself, beside the scoreboard's own check of every read."""

    async def body(self) -> None:
        await self.reset_values()
        for register in self.ral:
            if register.writable_bits:
                await self.bit_bash(register)
        await self.every_access()
        await self.reset()
        await self.reset_values()
        await self.run(draw_program(self.rng, 2, 8))
        await self.doors()

    def expect(self, holds: bool, text: str, *args: object) -> None:
        if not holds:
            self.sequencer.logger.error(f"RAL: {text}", *args)

    async def reset_values(self) -> None:
        for register in self.ral:
            _, value = await register.read()
            if register.has_reset_value:
                self.expect(value == register.get_reset(), "%s reads %#x after reset, not %#x",
                            register.get_name(), value, register.get_reset())
        await self.doors()

    async def doors(self) -> None:
        """Front and back door give the same."""
        for register in self.ral:
            if register.backdoor:
                _, stored = await register.peek()
                _, value = await register.read()
                self.expect(value == stored, "%s reads %#x, holds %#x", register.get_name(), value,
                            stored)

    async def bit_bash(self, register: SatReg) -> None:
        """Each bit alone, each bit missing, and random words."""
        words = [1 << bit for bit in range(32)] + [~(1 << bit) & 0xFFFFFFFF for bit in range(32)]
        words += [int(word) for word in self.rng.integers(0, 1 << 32, 4)] + [0]
        for word in words:
            await register.write(word)
            _, value = await register.read()
            _, stored = await register.peek()
            expected = word & register.writable_bits
            self.expect((value, stored) == (expected, expected),
                        "%s reads %#x, holds %#x after %#x was written", register.get_name(),
                        value, stored, word)
            self.expect(register.get_mirrored_value() == expected, "the model of %s is %#x",
                        register.get_name(), register.get_mirrored_value())

    async def every_access(self) -> None:
        """Reads and writes of all words of the window, registers or not: also unaligned, also of
        some bytes. CTRL gets zeros only."""
        holes = [offset for offset in range(0, max(Reg), 4) if offset not in list(Reg)]
        beyond = [max(Reg) + 4, WINDOW - 4, *(int(x) * 4 for x in self.rng.integers(
            max(Reg) // 4 + 1, WINDOW // 4, 8))]
        for offset in [*Reg, *holes, *beyond]:
            for strobe in (0xF, int(self.rng.integers(1, 15)), 0):
                data = 0 if offset == Reg.CTRL else int(self.rng.integers(0, 1 << 32))
                address = offset + int(self.rng.integers(4))
                await self.access(AxilItem(write=True, address=address, data=data, strobe=strobe))
                await self.access(AxilItem(address=offset + int(self.rng.integers(4))))
