# SPDX-License-Identifier: Apache-2.0
"""Whether a mutant can be told from the original at all, by ABC on a miter of both."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyosys

from tb.formal.tools import ToolError, yosys
from tb.mutation.netlist import Netlist, Port, read_ports
from tb.mutation.units import Unit

EQUIVALENT, DIFFERENT, UNDECIDED = "equivalent", "different", "undecided"
# Reachability finds short differences and small proofs at once. For the others the two halves are
# merged where they agree, and reachability gets what is left: nothing, often.
SCRIPTS = ("read_aiger {aiger}; fold; orpos; pdr -T 10",
           "read_aiger {aiger}; fold; orpos; scorr; dc2; print_stats; pdr -T {limit_s}")
NOTHING_LEFT = re.compile(r"lat = +0 +and = +0 ")
SHOWN = "was asserted in frame"
PROVEN = "Property proved"


def identifier(name: str) -> str:
    """A name with a dot (instance.port, where an instance is cut out), as Verilog takes it."""
    return f"\\{name} " if "." in name else name


def miter(unit: Unit, ports: Sequence[Port], legal: str) -> str:
    """Verilog: bad_o is high when outputs differ that matter, after nothing but what is legal."""
    inputs = [port for port in ports if port.direction == "input"]
    outputs = [port for port in ports if port.direction == "output"]
    clock = any(port.name == "clk" for port in inputs)
    declarations = [f"  input wire [{port.width - 1}:0] {identifier(port.name)},"
                    for port in inputs]
    wires = [f"  wire [{port.width - 1}:0] {identifier(name)};"
             for port in outputs for name in (port.name, f"mutant_{port.name}")]

    def connect(port: Port, prefix: str = "") -> str:
        value = unit.tied.get(port.name, identifier(prefix + port.name))
        return f".{identifier(port.name)}({value})"

    original = [connect(port) for port in ports]
    mutant = [connect(port, "mutant_" * (port in outputs)) for port in ports]
    masks = {port.name: unit.matters.get(port.name, f"{{{port.width}{{1'b1}}}}")
             for port in outputs}
    differences = [f"(|(({identifier(name)} ^ {identifier(f'mutant_{name}')}) & ({mask})))"
                   for name, mask in masks.items()]
    history = ["  reg broken_q = 1'b0;", f"  wire legal = ({legal}) && !broken_q;",
               "  always @(posedge clk) broken_q <= !legal;"]
    return "\n".join([
        "module miter (", *declarations, "  output wire bad_o);", *wires,
        *(history if clock else [f"  wire legal = {legal};"]),
        f"  {unit.module} u_original ({', '.join(original)});",
        f"  changed u_mutant ({', '.join(mutant)});",
        f"  assign bad_o = legal && ({' || '.join(differences)});", "endmodule", ""])


def key(netlist: Netlist) -> str:
    """Changes with the statement that is proven."""
    unit = netlist.unit
    statement = miter(unit, netlist.ports, unit.legal), unit.inside, unit.matters, SCRIPTS
    return hashlib.sha256(repr(statement).encode()).hexdigest()[:12]


def write_aiger(netlist: Netlist, number: int, cut: bool) -> Path:
    """Both start with all registers and memories zero, as an FPGA does.

    With `cut` the modules inside that get no mutants are not: what they say are inputs of both, and
    what they are told are outputs that must not differ. That is more than is asked for.
    """
    unit, folder = netlist.unit, netlist.folder / ("miters_cut" if cut else "miters")
    folder.mkdir(exist_ok=True)
    source, aiger, ports_file = folder / "miter.v", folder / f"{number}.aig", folder / "ports.json"
    base, module = netlist.folder / "base.il", unit.module
    flat = [f"hierarchy -top {module}", "setattr -mod -unset keep_hierarchy *", "flatten"]
    ports: Sequence[Port] = netlist.ports
    legal = unit.legal
    if cut:
        legal = f"({legal}) && ({unit.inside})"
        flat = [f"hierarchy -top {module}",
                f"expose -evert {module}/t:$paramod* {module}/t:sat_* %u",
                f"delete {module}/o:*.clk", f"clean {module}"]
        yosys(f"read_rtlil {base}", *flat, f"write_json {ports_file}")
        ports = read_ports(ports_file, module)
    source.write_text(miter(unit, ports, legal), encoding="utf-8")
    yosys(f"read_rtlil {base}", f"mutate {netlist.mutants[number - 1]}", *flat,
          f"rename {module} changed", "design -stash changed",
          f"read_rtlil {base}", *flat, "design -copy-from changed changed",
          f"read_verilog {source}", "hierarchy -check -top miter", "proc", "flatten", "memory_map",
          "opt -full", "techmap", "opt -fast", "dffunmap", "setundef -zero -init", "aigmap",
          f"write_aiger -zinit {aiger}")
    return aiger


def abc(script: str) -> str:
    tool = Path(pyosys.__file__).parent / "yosys-abc"
    done = subprocess.run([tool, "-c", script], capture_output=True, text=True)
    if done.returncode:
        raise ToolError((done.stdout + done.stderr)[-2000:])
    return done.stdout


def decide(netlist: Netlist, number: int, limit_s: int) -> str:
    """Whether mutant `number` can be told from the original."""
    unit = netlist.unit
    for cut in (True,) * bool(unit.whole) + (False,) * unit.flat:
        aiger = write_aiger(netlist, number, cut)
        for script in SCRIPTS[1:] if cut else SCRIPTS:
            log = abc(script.format(aiger=aiger, limit_s=limit_s))
            if SHOWN in log:
                if cut:
                    break  # perhaps by what a module inside never says
                return DIFFERENT
            if PROVEN in log or NOTHING_LEFT.search(log):
                return EQUIVALENT
    return UNDECIDED
