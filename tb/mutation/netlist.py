# SPDX-License-Identifier: Apache-2.0
"""Netlists with all mutants of a module inside, one of which a plusarg switches on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from dataclasses import dataclass
from pathlib import Path

from sat import rtl
from sat.files import write_text
from sat.rtl import INCLUDE, needed_sources
from tb.formal.tools import ROOT, yosys
from tb.mutation.units import Unit

BUILD = ROOT / "build" / "mutation"
# Faults of the clock are no faults of the logic, and would race in a simulation.
CLOCKS = re.compile(r"-port (\w+_)?CLK ")
SELECT_W = 10
# What Yosys writes; a mutant that ties a bit to its neighbour makes a loop of words, not of bits.
LINT_OFF = "/* verilator lint_off WIDTH */ /* verilator lint_off UNOPTFLAT */\n"


@dataclass(frozen=True)
class Port:
    name: str
    direction: str
    width: int


@dataclass(frozen=True)
class Netlist:
    """`folder` holds base.il, the module before mutation, and mutated/<module>.v.

    `mutants`: arguments of Yosys' `mutate` for mutant 1, 2, ...
    """

    unit: Unit
    folder: Path
    ports: tuple[Port, ...]
    mutants: tuple[str, ...]

    @property
    def verilog(self) -> Path:
        return self.folder / "mutated" / f"{self.unit.module}.v"

    def place(self, mutant: int) -> str:
        """Mutation and source lines of a mutant, for people."""
        words = self.mutants[mutant - 1].split()
        options = {key: word for key, word in zip(words, words[1:]) if key.startswith("-")}
        # Names of cells are made of their kind, the source line and a number: $add$rtl/...:42$7.
        kinds = re.findall(r"\$([a-z_]+)\s*(?=\$)", options["-cell"]) or [options["-cell"]]
        wire = f" of {options['-wire']}[{options['-wirebit']}]" if "-wire" in options else ""
        file, _, line = options.get("-src", "").rpartition("/")[2].partition(":")
        source = f"{file}:{line.partition('.')[0]}"
        return (f"{source}: {options['-mode']} at {kinds[-1]}.{options['-port']}"
                f"[{options['-portbit']}]{wire}")


def plusarg(name: str) -> str:
    """Name of the plusarg whose value is the mutant's number of that unit; 0: none."""
    return f"mutant_{name}"


def wrapper(unit: Unit, ports: tuple[Port, ...]) -> str:
    """Verilog: the module's own name and ports around the netlist."""
    parameters = ", ".join(f"parameter integer {name} = {value}"
                           for name, value in unit.parameters.items())
    declarations = ",\n".join(f"  {port.direction} wire [{port.width - 1}:0] {port.name}"
                              for port in ports)
    connections = ", ".join(f".{port.name}({port.name})" for port in ports)
    head = f" #({parameters})" if parameters else ""
    return f"""
module {unit.module}{head} (
{declarations}
);
  reg [{SELECT_W - 1}:0] mutant;
  initial if (!$value$plusargs("{plusarg(unit.name)}=%d", mutant)) mutant = 0;
  {unit.module}_mutants u_mutants (.mutant(mutant), {connections});
endmodule
"""


def visible(text: str, registers: tuple[str, ...]) -> str:
    """The netlist with registers that a bench may set."""
    for name in registers:
        text = re.sub(rf"( {re.escape(name)});", r"\1 /* verilator public_flat_rw */;", text,
                      count=1)
    return text


def elaborate(unit: Unit) -> list[str]:
    """The module flattened and cleaned, so that few mutants are in logic that does nothing."""
    sources = " ".join(str(path.relative_to(ROOT)) for path in needed_sources(unit.module))
    parameters = " ".join(f"-chparam {name} {value}" for name, value in unit.parameters.items())
    keep = [f"setattr -mod -set keep_hierarchy 1 A:hdlname={module}" for module in unit.whole]
    return [f"read_verilog -defer -I{INCLUDE.relative_to(ROOT)} {sources}",
            f"hierarchy -check -top {unit.module} {parameters}", f"rename -top {unit.module}",
            *keep, "proc", "flatten", "opt -nodffe -nosdff", "wreduce", "opt -nodffe -nosdff",
            "opt_clean -purge"]


def make(unit: Unit, count: int, seed: int) -> Netlist:
    """The netlist with `count` mutants drawn by `seed`; made once per content."""
    version = importlib.metadata.version("pyosys")
    config = (version, count, seed, elaborate(unit), wrapper(unit, ()), CLOCKS.pattern,
              LINT_OFF, unit.preset)
    folder = BUILD / f"{unit.name}-{rtl.digest(needed_sources(unit.module), config)}"
    mutants_file, ports_file = folder / "mutants.json", folder / "ports.json"
    if not mutants_file.is_file():
        (folder / "mutated").mkdir(parents=True, exist_ok=True)
        # Clocks are sorted out afterwards, hence some more than are wanted.
        yosys(*elaborate(unit), f"write_rtlil {folder}/base.il", f"write_json {ports_file}",
              f"mutate -list {count + count // 2} -seed {seed} -module {unit.module} "
              f"-o {folder}/list.txt")
        lines = (folder / "list.txt").read_text(encoding="utf-8").splitlines()
        mutants = [line.removeprefix("mutate ") for line in lines if not CLOCKS.search(line)]
        mutants = mutants[:count]
        yosys(f"read_rtlil {folder}/base.il", f"hierarchy -top {unit.module}",
              *(f"mutate -ctrl mutant {SELECT_W} {number} {mutant}"
                for number, mutant in enumerate(mutants, 1)),
              f"rename -top {unit.module}_mutants",
              f"write_verilog -noattr {folder}/netlist.v")
        ports = read_ports(ports_file, unit.module)
        text = (folder / "netlist.v").read_text(encoding="utf-8")
        (folder / "mutated" / f"{unit.module}.v").write_text(
            LINT_OFF + visible(text, unit.preset) + wrapper(unit, ports), encoding="utf-8")
        write_text(mutants_file, json.dumps(mutants, indent=1))  # the last: all is there
    return Netlist(unit, folder, read_ports(ports_file, unit.module),
                   tuple(json.loads(mutants_file.read_text(encoding="utf-8"))))


def read_ports(path: Path, module: str) -> tuple[Port, ...]:
    ports = json.loads(path.read_text(encoding="utf-8"))["modules"][module]["ports"]
    return tuple(Port(name, port["direction"], len(port["bits"])) for name, port in ports.items())


def digest(*paths: Path) -> str:
    """Of the contents of files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()[:12]
