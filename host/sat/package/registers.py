# SPDX-License-Identifier: Apache-2.0
"""The registers as spec/registers.rdl describes them."""

from __future__ import annotations

from systemrdl import RDLCompiler
from systemrdl.node import RegNode

from .. import __version__
from ..toolchain import ROOT

REGISTERS = ROOT / "spec" / "registers.rdl"


def load_registers() -> tuple[str, list[RegNode]]:
    """Description of the address map, and its registers in address order."""
    compiler = RDLCompiler()
    compiler.compile_file(str(REGISTERS))
    version = map(int, __version__.split("."))
    top = compiler.elaborate(parameters=dict(zip(("MAJOR", "MINOR", "PATCH"), version))).top
    return top.get_property("desc") or "", list(top.registers())


def reset_of(register: RegNode) -> int:
    value = 0
    for field in register.fields():
        reset = field.get_property("reset") or 0
        if not isinstance(reset, int):
            raise TypeError(f"{field.get_path()}: its reset value is not a number")
        value |= reset << field.low
    return value
