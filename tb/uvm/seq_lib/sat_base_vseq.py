# SPDX-License-Identifier: Apache-2.0
"""What every virtual sequence of the top level does with core and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from cocotb.triggers import with_timeout
from pyuvm import uvm_sequence, uvm_status_e

from sat.regs import COUNTERS, Ctrl, IrqStatus, Reg, Status
from sat_golden.memory import ErrorRegion
from tb.common.require import require
from tb.top.random_program import Program, draw_word
from tb.uvm.agents.axi_mem.axi_mem_item import AxiMemItem
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.agents.reset.reset_item import ResetItem
from tb.uvm.cov.flow_cov import STATES
from tb.uvm.env.sat_virtual_sequencer import SatVirtualSequencer
from tb.uvm.seq_lib.one_item_seq import OneItemSeq

ALL_IRQS = int(IrqStatus.DONE | IrqStatus.ERROR | IrqStatus.FENCE)
END_IRQS = int(IrqStatus.DONE | IrqStatus.ERROR)
LIMIT_NS = 30_000_000  # of a program
LIMIT_CYCLES = 20_000  # until a state comes
MOST_POLLS = 20_000


@dataclass
class Ending:
    """Registers after a program."""

    status: int
    irqs: int
    code: int
    index: int
    address: int


class SatBaseVSeq(uvm_sequence):
    """Runs on the virtual sequencer. Checks nothing: that is the scoreboard's business. All
    choices come from `rng`."""

    sequencer: SatVirtualSequencer

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(type(self).__name__)
        self.rng = rng

    @property
    def ral(self):
        return self.sequencer.cfg.ral

    # Memory and reset

    async def memory(self, **changes: object) -> None:
        """Changes the memory (see AxiMemItem)."""
        await OneItemSeq(AxiMemItem(**changes)).start(self.sequencer.memory)

    async def reset(self, cycles: int = 4) -> None:
        await OneItemSeq(ResetItem(cycles=cycles)).start(self.sequencer.reset)
        self.ral.reset()

    async def load(self, program: Program, knobs: AxiMemKnobs | None = None,
                   errors: Sequence[ErrorRegion] = ()) -> None:
        await self.memory(image=program.image, errors=errors,
                          knobs=knobs or AxiMemKnobs.draw(self.rng))

    async def until_state(self, state: str) -> None:
        """Waits until the core's sequencer is in a state."""
        await self.sequencer.cfg.probe.until_state(STATES.index(state), LIMIT_CYCLES)

    async def fall_silent(self) -> Ending:
        """The memory stops answering; registers when the watchdog has noticed."""
        await self.memory(silent=True)
        await self.interrupt()
        return await self.ending()

    async def answer_again(self) -> None:
        await self.memory(silent=False)
        await self.rest()
        await self.clear()

    async def step(self, cycles: int) -> None:
        await self.sequencer.cfg.reset.step(cycles)

    # Registers

    async def write(self, register: Reg, value: int) -> None:
        await getattr(self.ral, register.name).write(value)

    async def read(self, register: Reg) -> int:
        status, value = await getattr(self.ral, register.name).read()
        require(status == uvm_status_e.UVM_IS_OK, "%s: %s", register.name, status)
        return value

    async def access(self, item: AxilItem) -> AxilItem:
        """An access that the register model does not know."""
        await OneItemSeq(item).start(self.sequencer.axil)
        return item

    # Programs

    async def key(self, seed: int | None = None, step: int | None = None) -> None:
        """What samples depend on; None: any word."""
        for register, word in ((Reg.SEED, seed), (Reg.STEP, step)):
            await self.write(register, draw_word(self.rng) if word is None else word)

    async def start_program(self, address: int, length: int, irqs: int = END_IRQS,
                            seed: int | None = None, step: int | None = None) -> None:
        await self.write(Reg.PROG_ADDR_LO, address & 0xFFFFFFFF)
        await self.write(Reg.PROG_ADDR_HI, address >> 32)
        await self.write(Reg.PROG_LEN, length)
        await self.key(seed, step)
        await self.write(Reg.IRQ_ENABLE, irqs)
        await self.write(Reg.CTRL, Ctrl.START)

    async def interrupt(self) -> None:
        await with_timeout(self.sequencer.cfg.irq.wait_high(), LIMIT_NS, "ns")

    async def rest(self) -> int:
        """Polls STATUS until the core is neither busy nor draining."""
        for _ in range(MOST_POLLS):
            status = await self.read(Reg.STATUS)
            if not status & (Status.BUSY | Status.DRAINING):
                return status
            await self.step(int(self.rng.integers(1, 100)))
        raise AssertionError("the core does not come to rest")

    async def ending(self) -> Ending:
        """Reads status, interrupts and error registers."""
        status, irqs = await self.read(Reg.STATUS), await self.read(Reg.IRQ_STATUS)
        code, index = await self.read(Reg.ERR_CODE), await self.read(Reg.ERR_INDEX)
        low, high = await self.read(Reg.ERR_ADDR_LO), await self.read(Reg.ERR_ADDR_HI)
        return Ending(status, irqs, code, index, low | high << 32)

    async def counters(self) -> dict[str, int]:
        values = {}
        for name, offset in COUNTERS.items():
            low = await self.read(Reg(offset))
            values[name] = low | await self.read(Reg(offset + 4)) << 32
        return values

    async def clear(self) -> None:
        """Leaves any error, forgets the interrupts."""
        await self.write(Reg.CTRL, Ctrl.CLEAR)
        await self.write(Reg.IRQ_STATUS, ALL_IRQS)
        await self.read(Reg.IRQ_STATUS)

    async def run(self, program: Program, knobs: AxiMemKnobs | None = None,
                  errors: Sequence[ErrorRegion] = (), address: int | None = None,
                  length: int | None = None, seed: int | None = None,
                  step: int | None = None) -> Ending:
        """A program from load to clear, good or bad. The host waits for the interrupt or polls."""
        await self.load(program, knobs, errors)
        polls = self.rng.random() < 0.3
        await self.start_program(program.address if address is None else address,
                                 program.length if length is None else length,
                                 int(self.rng.integers(8)) if polls else END_IRQS, seed, step)
        if self.rng.random() < 0.3:
            await self.key()  # the next program's: this one has taken its own
        if polls:
            await self.rest()
        else:
            await self.interrupt()
        end = await self.ending()
        await self.counters()
        await self.clear()
        return end
