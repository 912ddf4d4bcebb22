# SPDX-License-Identifier: Apache-2.0
"""Accesses to the registers."""

from __future__ import annotations

from sat.config import SatConfig
from sat.regs import IrqStatus, Reg
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.cov.coverage_model import CoverageModel
from tb.uvm.cov.sat_cov_base import SatCovBase

STROBES = {0x0: "none", 0xF: "all"}  # others: some


class RegisterCov(SatCovBase):
    """Takes the register port's accesses."""

    @staticmethod
    def declare(model: CoverageModel, core: SatConfig) -> None:
        model.cross("cx_register_access", [reg.name for reg in Reg], ("read", "write"))
        model.cross("cx_unmapped_access", ("hole", "beyond"), ("read", "write"))
        model.point("cp_write_strobes", ("none", "some", "all"))
        model.point("cp_unaligned_access", ("read", "write"))
        model.cross("cx_irq_status_enable", range(8), [irq.name.lower() for irq in IrqStatus])

    def build_phase(self) -> None:
        super().build_phase()
        self._enable = 0

    def write(self, item: AxilItem) -> None:
        kind = "write" if item.write else "read"
        offset = item.address & ~3
        if item.address & 3:
            self.model.hit("cp_unaligned_access", kind)
        if item.write:
            self.model.hit("cp_write_strobes", STROBES.get(item.strobe, "some"))
        if offset not in list(Reg):
            self.model.hit("cx_unmapped_access", "beyond" if offset > max(Reg) else "hole", kind)
            return
        self.model.hit("cx_register_access", Reg(offset).name, kind)
        if offset == Reg.IRQ_ENABLE:
            self._enable = item.data & 7
        elif offset == Reg.IRQ_STATUS and not item.write:
            for irq in IrqStatus:
                if item.data & irq:
                    self.model.hit("cx_irq_status_enable", self._enable, irq.name.lower())
