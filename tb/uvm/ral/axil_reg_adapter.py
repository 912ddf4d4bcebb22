# SPDX-License-Identifier: Apache-2.0
"""From register accesses to AXI4-Lite and back."""

from __future__ import annotations

from pyuvm import uvm_access_e, uvm_reg_adapter, uvm_reg_bus_op, uvm_status_e

from tb.uvm.agents.axil.axil_item import AxilItem


class AxilRegAdapter(uvm_reg_adapter):
    def reg2bus(self, rw: uvm_reg_bus_op) -> AxilItem:
        return AxilItem(write=rw.kind == uvm_access_e.UVM_WRITE, address=rw.addr, data=rw.data)

    def bus2reg(self, bus_item: AxilItem, rw: uvm_reg_bus_op) -> None:
        rw.data = bus_item.data
        rw.status = uvm_status_e.UVM_IS_OK if bus_item.okay else uvm_status_e.UVM_NOT_OK
