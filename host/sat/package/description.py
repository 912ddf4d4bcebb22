# SPDX-License-Identifier: Apache-2.0
"""What an IP catalogue must know about the core, gathered from its one source each.

spec/ip.yaml names and describes; spec/configs.yaml gives parameters, rtl/sat_top.v ports, rtl/sat.f
the files, spec/registers.rdl version and registers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pyslang
import yaml
from systemrdl.node import RegNode

from ..config import Rule, parameters, rules
from ..rtl import INCLUDE
from ..toolchain import ROOT
from .registers import load_registers, reset_of

SPEC = ROOT / "spec" / "ip.yaml"
FILE_LIST = ROOT / "rtl" / "sat.f"

CLOCK, RESET, INTERRUPT = "aclk", "aresetn", "irq"
REGISTERS, MEMORY = "s_axil", "m_axi"  # prefixes of the AXI ports, names of the interfaces


@dataclass(frozen=True)
class Parameter:
    """A parameter of the top module, with what the user sees of it."""

    name: str
    default: int
    page: str
    label: str
    tooltip: str
    legal: tuple[int, ...]  # ascending
    is_range: bool  # `legal` has no gaps and is shown as a range

    @property
    def fixed(self) -> bool:
        return len(self.legal) == 1


@dataclass(frozen=True)
class Port:
    """A port of the top module. `left` is the text of its left bound, None for a single bit."""

    name: str
    direction: str  # in, out
    left: str | None


@dataclass(frozen=True)
class Description:
    vendor: str
    library: str
    name: str
    version: str  # major.minor, as catalogues want it
    revision: int
    top: str
    display_name: str
    description: str
    taxonomy: str
    families: list[str]
    parameters: list[Parameter]
    rules: list[Rule]
    ports: list[Port]
    sources: list[Path]  # in order of compilation
    headers: list[Path]
    registers: list[RegNode]

    @property
    def vlnv(self) -> str:
        return f"{self.vendor}:{self.library}:{self.name}:{self.version}"

    def port(self, name: str) -> Port:
        return next(port for port in self.ports if port.name == name)

    def defaults(self) -> dict[str, int]:
        return {parameter.name: parameter.default for parameter in self.parameters}

    def bus_ports(self, prefix: str) -> dict[str, str]:
        """AXI signal name -> port, of the ports that begin with `prefix`."""
        return {port.name[len(prefix) + 1:].upper(): port.name
                for port in self.ports if port.name.startswith(f"{prefix}_")}


def read_top(path: Path) -> tuple[dict[str, int], list[Port]]:
    """Parameters with their defaults, and ports, as the module header declares them."""
    tree = pyslang.syntax.SyntaxTree.fromFile(str(path))
    if not isinstance(tree.root, pyslang.syntax.CompilationUnitSyntax):
        raise ValueError(f"{path.name}: is not a Verilog file")
    header = tree.root.members[0].header  # the file holds one module
    parameters = {}
    for declaration in header.parameters.declarations:
        if isinstance(declaration, pyslang.syntax.ParameterDeclarationSyntax):
            for item in declaration.declarators:
                parameters[item.name.value] = int(str(item.initializer.expr))
    directions = {"input": "in", "output": "out"}
    ports = []
    for node in header.ports.ports:
        if not isinstance(node, pyslang.syntax.ImplicitAnsiPortSyntax):
            continue  # a comma
        name = node.declarator.name.rawText
        if (not isinstance(node.header, pyslang.syntax.NetPortHeaderSyntax)
                or not isinstance(node.header.dataType, pyslang.syntax.ImplicitTypeSyntax)):
            raise ValueError(f"{path.name}: port {name} is not a net of bits")
        bounds = "".join(str(bound) for bound in node.header.dataType.dimensions).strip()
        left = re.fullmatch(r"\[(.*):0\]", bounds)
        if bounds and not left:
            raise ValueError(f"{path.name}: bounds {bounds} do not end at 0")
        ports.append(Port(name, directions[node.header.direction.rawText],
                          left[1] if left else None))
    return parameters, ports


def load() -> Description:
    spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    sources = [ROOT / line for line in FILE_LIST.read_text(encoding="utf-8").split()]
    top = next(path for path in sources if path.stem == spec["top"])
    defaults, ports = read_top(top)
    rules_of = parameters()
    if not spec["parameters"].keys() == rules_of.keys() == defaults.keys():
        raise ValueError(f"spec/ip.yaml: parameters are not those of {spec['top']}")
    if defaults != {name: parameter.default for name, parameter in rules_of.items()}:
        raise ValueError(f"spec/configs.yaml: defaults are not those of {spec['top']}")
    shown = []
    for name, entry in spec["parameters"].items():
        rule = rules_of[name]
        shown.append(Parameter(name, rule.default, entry["page"], entry["label"], entry["tooltip"],
                               rule.legal, rule.is_range and len(rule.legal) > 1))
    _, registers = load_registers()
    version = reset_of(next(reg for reg in registers if reg.inst_name == "VERSION"))
    return Description(
        vendor=spec["vendor"], library=spec["library"], name=spec["name"], top=spec["top"],
        version=f"{version >> 16 & 0xFF}.{version >> 8 & 0xFF}", revision=version & 0xFF,
        display_name=spec["display_name"], description=spec["description"],
        taxonomy=spec["taxonomy"], families=spec["families"], parameters=shown,
        rules=list(rules()), ports=ports, sources=sources,
        headers=sorted(INCLUDE.glob("*.vh")), registers=registers)
