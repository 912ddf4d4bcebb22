# SPDX-License-Identifier: Apache-2.0
"""The register model of the core, made from spec/registers.rdl when a test starts."""

from __future__ import annotations

from collections.abc import Callable

from pyuvm import uvm_endianness_e, uvm_reg_block

from sat.package.registers import load_registers
from tb.uvm.ral.sat_reg import SatReg

BUS_BYTES = 4


class SatRegBlock(uvm_reg_block):
    """The registers are attributes with their names in the RDL: `ral.STATUS`.

    `backdoor(name)` gives the function that reads a register's storage, or None.
    """

    def __init__(self, backdoor: Callable[[str], Callable[[], int] | None]) -> None:
        super().__init__("ral")
        self._registers: list[SatReg] = []
        self.configure()
        self.map = self.create_map("map", 0, BUS_BYTES, uvm_endianness_e.UVM_LITTLE_ENDIAN)
        for node in load_registers()[1]:
            register = SatReg(node, backdoor(node.inst_name))
            register.configure(self)
            register.build()
            # The bus takes any access to any register and answers some with SLVERR.
            self.map.add_reg(register, node.absolute_address, "RW")
            setattr(self, node.inst_name, register)
            self._registers.append(register)
        self.lock_model()
        self.map.set_auto_predict(True)
        self.reset()

    def __iter__(self):
        return iter(self._registers)

    def at(self, address: int) -> SatReg | None:
        """The register at a byte address of the window; its lowest two bits do not matter."""
        word = address // BUS_BYTES * BUS_BYTES
        found = [reg for reg in self._registers if reg.node.absolute_address == word]
        return found[0] if found else None
