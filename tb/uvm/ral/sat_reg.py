# SPDX-License-Identifier: Apache-2.0
"""A register of the core in the register model."""

from __future__ import annotations

from collections.abc import Callable

from pyuvm import uvm_coverage_model_e, uvm_reg, uvm_reg_field, uvm_status_e
from systemrdl.node import FieldNode, RegNode
from systemrdl.rdltypes import AccessType, OnWriteType


class SatReg(uvm_reg):
    """Made from a register of the RDL. pyuvm has no back door yet; `peek` reads the storage through
    `backdoor`, a function that gives its value, if the register has one."""

    def __init__(self, node: RegNode, backdoor: Callable[[], int] | None = None) -> None:
        super().__init__(node.inst_name, node.get_property("regwidth"),
                         uvm_coverage_model_e.UVM_NO_COVERAGE)
        self.node, self.backdoor = node, backdoor
        # A write of a register without a writable field is answered with SLVERR.
        self.writable = any(field.is_sw_writable for field in node.fields())

    def build(self) -> None:
        for node in self.node.fields():
            field = uvm_reg_field(node.inst_name)
            reset = node.get_property("reset")
            setattr(self, node.inst_name, field)
            field.configure(self, node.width, node.low, access_of(node), node.is_hw_writable,
                            reset or 0, reset is not None, False, False)

    @property
    def has_reset_value(self) -> bool:
        """All its fields have one."""
        return all(field.has_reset() for field in self.get_fields())

    @property
    def volatile(self) -> bool:
        """The core may change it."""
        return any(field.is_volatile() for field in self.get_fields())

    @property
    def used_bits(self) -> int:
        return sum(field.get_register_mask() for field in self.get_fields())

    @property
    def writable_bits(self) -> int:
        """Bits that keep what is written."""
        return sum(field.get_register_mask() for field in self.get_fields()
                   if field.get_access() == "RW")

    async def peek(self, *_args: object, **_kwargs: object) -> tuple[uvm_status_e, int]:
        """The storage, without a bus access."""
        if self.backdoor is None:
            return uvm_status_e.UVM_NOT_OK, 0
        return uvm_status_e.UVM_IS_OK, self.backdoor()


def access_of(field: FieldNode) -> str:
    """UVM's name of a field's access."""
    if field.get_property("onwrite") == OnWriteType.woclr:
        return "W1C"
    return {AccessType.r: "RO", AccessType.w: "WO", AccessType.rw: "RW"}[field.get_property("sw")]
