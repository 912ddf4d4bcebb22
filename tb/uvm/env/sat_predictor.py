# SPDX-License-Identifier: Apache-2.0
"""Predicts what a program does: the golden command model, fed by the monitors."""

from __future__ import annotations

from pyuvm import uvm_analysis_port, uvm_subscriber

from sat.regs import Ctrl, Reg
from sat_golden.checks import Fault, check
from sat_golden.defs import DESC_BYTES
from sat_golden.descriptor import Descriptor
from tb.top.expect import Expected
from tb.top.random_program import Program
from tb.uvm.agents.axi_mem.axi_mem_item import AxiMemItem
from tb.uvm.agents.axi_mem.axi_mem_knobs import AxiMemKnobs
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.env.prediction import Prediction
from tb.uvm.env.register_shadow import RegisterShadow
from tb.uvm.env.sat_env_cfg import SatEnvCfg


class SatPredictor(uvm_subscriber):
    """Takes the register port's requests, publishes a `Prediction` for each start.

    It reads the memory at that moment by the back door; whether the start is accepted is for the
    scoreboard to see.
    """

    cfg: SatEnvCfg

    def build_phase(self) -> None:
        super().build_phase()
        self.ap = uvm_analysis_port("ap", self)
        self.reset_export = self.uvm_AnalysisImp("reset_export", self, self._on_reset)
        self.memory_export = self.uvm_AnalysisImp("memory_export", self, self._on_memory)
        self.registers = RegisterShadow()
        self._knobs = AxiMemKnobs()

    def _on_reset(self, _item: object) -> None:
        self.registers = RegisterShadow()

    def _on_memory(self, item: AxiMemItem) -> None:
        if item.knobs is not None:
            self._knobs = item.knobs

    def write(self, item: AxilItem) -> None:
        if not item.write:
            return
        self.registers.write(item)
        ones = self.registers.written_ones(item, Reg.CTRL)
        if ones & (Ctrl.START | Ctrl.CLEAR) == Ctrl.START:
            self.ap.write(self.predict(item.accept_cycle))

    def predict(self, cycle: int) -> Prediction:
        """The result of a start now."""
        memory, registers = self.cfg.memory.bfm, self.registers
        image = memory.image.copy()
        address, length = registers.program
        commands = legal_commands(image, memory.base, address, length, self.cfg.core.addr_w)
        program = Program(memory.base, image, address, length, commands,
                          seed=registers[Reg.SEED], step=registers[Reg.STEP])
        expected = Expected(program, memory.error_regions, 2 * self.cfg.core.lanes)
        return Prediction(address, length, expected, commands, cycle, registers[Reg.WATCHDOG],
                          self._knobs)


def legal_commands(image, base: int, address: int, length: int, addr_w: int) -> list[Descriptor]:
    """The descriptors of a program in the memory `image`, up to the first that is bad."""
    commands: list[Descriptor] = []
    for at in range(address, address + length * DESC_BYTES, DESC_BYTES):
        data = image[max(at - base, 0) : max(at - base + DESC_BYTES, 0)].tobytes()
        try:
            if at < base or len(data) < DESC_BYTES:
                break
            check(data, at, addr_w)
        except Fault:
            break
        commands.append(Descriptor.unpack(data))
    return commands
