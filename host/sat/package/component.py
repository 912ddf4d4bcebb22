# SPDX-License-Identifier: Apache-2.0
"""component.xml: the core in IP-XACT (IEEE 1685-2009) with the extensions that Vivado reads."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from lxml import etree
from systemrdl.node import FieldNode, RegNode

from .description import CLOCK, INTERRUPT, MEMORY, REGISTERS, RESET, Description, Parameter, Port
from .registers import reset_of

SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
XILINX = "http://www.xilinx.com"
NAMESPACES = {"spirit": SPIRIT, "xilinx": XILINX}

# What a master on this bus may do, where the ports do not tell.
MEMORY_PARAMETERS = {"SUPPORTS_NARROW_BURST": 0, "MAX_BURST_LENGTH": 64,
                     "NUM_WRITE_OUTSTANDING": 64}

SYNTHESIS, SIMULATION = "xilinx_anylanguagesynthesis", "xilinx_anylanguagebehavioralsimulation"
VIEWS = {  # name: (shown name, environment)
    SYNTHESIS: ("Synthesis", "synthesis"),
    SIMULATION: ("Simulation", "simulation"),
    "xilinx_softwaredriver": ("Software Driver", "sw.driver"),
    "xilinx_readme": ("Documentation", "docs.readme"),
    "xilinx_xpgui": ("UI Layout", "xgui.ui"),
}
HDL_VIEWS = (SYNTHESIS, SIMULATION)

Children = list[etree._Element]


def element(name: str, content: str | int | Children = "", space: str = SPIRIT,
            /, **attributes: str | int) -> etree._Element:
    """An element with text or children, and attributes of its own namespace."""
    node = etree.Element(f"{{{space}}}{name}", nsmap=NAMESPACES)
    for key, value in attributes.items():
        node.set(f"{{{space}}}{key}", str(value))
    if isinstance(content, list):
        node.extend(content)
    elif content != "":
        node.text = str(content)
    return node


def xilinx(name: str, content: str | int | Children = "", /, **attributes: str) -> etree._Element:
    return element(name, content, XILINX, **attributes)


def named(tag: str, name: str, *children: etree._Element) -> etree._Element:
    return element(tag, [element("name", name), *children])


def decode(expression: str) -> str:
    """A Verilog expression over parameters, as an XPath expression over the core's parameters."""
    spaced = re.sub(r"\s*([-+*/])\s*", r" \1 ", expression)
    return re.sub(r"[A-Za-z_]\w*", r"spirit:decode(id('MODELPARAM_VALUE.\g<0>'))", f"({spaced})")


def evaluate(expression: str, values: dict[str, int]) -> int:
    """The value of a Verilog constant expression of names, numbers and + - * /."""
    if not re.fullmatch(r"[\w\s+\-*/()]+", expression):
        raise ValueError(f"{expression!r} is more than names and + - * /")
    return int(eval(expression.replace("/", "//"), {"__builtins__": {}}, dict(values)))


# Interfaces

def bus_type(library: str, name: str) -> Children:
    return [element(tag, vendor="xilinx.com", library=library, name=f"{name}{suffix}",
                    version="1.0")
            for tag, suffix in (("busType", ""), ("abstractionType", "_rtl"))]


def port_maps(mapping: dict[str, str]) -> etree._Element:
    return element("portMaps", [
        element("portMap", [named("logicalPort", logical), named("physicalPort", physical)])
        for logical, physical in mapping.items()])


def bus_parameters(bus: str, values: dict[str, str | int | Parameter]) -> Children:
    """A value that is a parameter of the core follows what the user sets."""
    if not values:
        return []
    nodes = []
    for name, value in values.items():
        attributes = {"id": f"BUSIFPARAM_VALUE.{bus.upper()}.{name}"}
        if isinstance(value, Parameter):
            attributes |= {"format": "long", "resolve": "dependent",
                           "dependency": decode(value.name)}
            value = value.default
        nodes.append(named("parameter", name, element("value", value, **attributes)))
    return [element("parameters", nodes)]


def interface(name: str, types: Children, role: etree._Element, mapping: dict[str, str],
              values: dict[str, str | int | Parameter]) -> etree._Element:
    return named("busInterface", name, *types, role, port_maps(mapping),
                 *bus_parameters(name, values))


def bus_interfaces(ip: Description) -> etree._Element:
    reads = next(item for item in ip.parameters if item.name == "RD_OUTSTANDING")
    memory: dict[str, str | int | Parameter] = {**MEMORY_PARAMETERS, "NUM_READ_OUTSTANDING": reads}
    return element("busInterfaces", [
        interface(REGISTERS, bus_type("interface", "aximm"),
                  element("slave", [element("memoryMapRef", memoryMapRef=REGISTERS)]),
                  ip.bus_ports(REGISTERS), {}),
        interface(MEMORY, bus_type("interface", "aximm"),
                  element("master", [element("addressSpaceRef", addressSpaceRef=MEMORY)]),
                  ip.bus_ports(MEMORY), memory),
        interface(CLOCK, bus_type("signal", "clock"), element("slave"), {"CLK": CLOCK},
                  {"ASSOCIATED_BUSIF": f"{REGISTERS}:{MEMORY}", "ASSOCIATED_RESET": RESET}),
        interface(RESET, bus_type("signal", "reset"), element("slave"), {"RST": RESET},
                  {"POLARITY": "ACTIVE_LOW"}),
        interface(INTERRUPT, bus_type("signal", "interrupt"), element("master"),
                  {"INTERRUPT": INTERRUPT}, {"SENSITIVITY": "LEVEL_HIGH"}),
    ])


def address_spaces(ip: Description) -> etree._Element:
    values = ip.defaults()
    return element("addressSpaces", [named(
        "addressSpace", MEMORY,
        element("range", 1 << values["ADDR_W"], format="long", resolve="dependent",
                dependency=f"pow(2,{decode('ADDR_W')})", rangeType="long"),
        element("width", values["DATA_W"], format="long", resolve="dependent",
                dependency=decode("DATA_W")))])


# Registers

def access(item: RegNode | FieldNode) -> str:
    fields = item.fields() if isinstance(item, RegNode) else [item]
    readable = any(field.is_sw_readable for field in fields)
    writable = any(field.is_sw_writable for field in fields)
    return {(True, True): "read-write", (True, False): "read-only",
            (False, True): "write-only"}[readable, writable]


def one_line(text: str | None) -> str:
    """Empty, where there is none."""
    return " ".join((text or "").split())


def field_element(field: FieldNode) -> etree._Element:
    clears = field.get_property("onwrite") is not None
    return named(
        "field", field.inst_name, element("description", one_line(field.get_property("desc"))),
        element("bitOffset", field.low), element("bitWidth", field.width),
        element("access", access(field)),
        *([element("modifiedWriteValue", "oneToClear")] if clears else []))


def register_element(register: RegNode) -> etree._Element:
    known = all(field.get_property("reset") is not None for field in register.fields())
    reset = element("reset", [element("value", f"{reset_of(register):#x}")])
    return named(
        "register", register.inst_name,
        element("description", one_line(register.get_property("name"))),
        element("addressOffset", f"{register.absolute_address:#x}"),
        element("size", register.get_property("regwidth")), element("access", access(register)),
        *([reset] if known else []), *(field_element(field) for field in register.fields()))


def memory_maps(ip: Description) -> etree._Element:
    ports = ip.bus_ports(REGISTERS)
    address_bits, data_bits = (evaluate(ip.port(ports[name]).left or "0", {}) + 1
                               for name in ("AWADDR", "WDATA"))
    block = named("addressBlock", "reg0", element("baseAddress", 0, format="long"),
                  element("range", 1 << address_bits, format="long"),
                  element("width", data_bits, format="long"), element("usage", "register"),
                  *(register_element(register) for register in ip.registers))
    return element("memoryMaps", [named("memoryMap", REGISTERS, block)])


# Model

def view(name: str, ip: Description) -> etree._Element:
    shown, environment = VIEWS[name]
    model = [element("language", "Verilog"), element("modelName", ip.top)]
    return named(
        "view", name, element("displayName", shown),
        element("envIdentifier", f":vivado.xilinx.com:{environment}"),
        *(model if name in HDL_VIEWS else []),
        element("fileSetRef", [element("localName", f"{name}_view_fileset")]))


def port_element(port: Port, values: dict[str, int]) -> etree._Element:
    bounds = []
    if port.left is not None:
        left = element("left", evaluate(port.left, values), format="long")
        if re.search(r"[A-Za-z]", port.left):
            left.set(f"{{{SPIRIT}}}resolve", "dependent")
            left.set(f"{{{SPIRIT}}}dependency", decode(port.left))
        bounds = [element("vector", [left, element("right", 0, format="long")])]
    types = element("wireTypeDefs", [element("wireTypeDef", [
        element("typeName", "wire"), *(element("viewNameRef", name) for name in HDL_VIEWS)])])
    return named("port", port.name,
                 element("wire", [element("direction", port.direction), *bounds, types]))


def model(ip: Description) -> etree._Element:
    values = ip.defaults()
    return element("model", [
        element("views", [view(name, ip) for name in VIEWS]),
        element("ports", [port_element(port, values) for port in ip.ports]),
        element("modelParameters", [
            element("modelParameter", [
                element("name", parameter.name), element("displayName", parameter.label),
                element("value", parameter.default, format="long", resolve="generated",
                        id=f"MODELPARAM_VALUE.{parameter.name}")], dataType="integer")
            for parameter in ip.parameters])])


# Parameters that the user sets

def choice_name(parameter: Parameter) -> str:
    return f"choice_list_{parameter.name}"


def choices(ip: Description) -> etree._Element:
    return element("choices", [
        named("choice", choice_name(parameter),
              *(element("enumeration", value) for value in parameter.legal))
        for parameter in ip.parameters if not parameter.is_range])


def parameter_element(parameter: Parameter) -> etree._Element:
    limits = ({"minimum": parameter.legal[0], "maximum": parameter.legal[-1], "rangeType": "long"}
              if parameter.is_range else {"choiceRef": choice_name(parameter)})
    disabled = element("vendorExtensions", [xilinx("parameterInfo", [xilinx("enablement", [
        xilinx("isEnabled", "false", id=f"PARAM_ENABLEMENT.{parameter.name}")])])])
    return named(
        "parameter", parameter.name, element("displayName", parameter.label),
        element("description", parameter.tooltip),
        element("value", parameter.default, format="long", resolve="user",
                id=f"PARAM_VALUE.{parameter.name}", **limits),
        *([disabled] if parameter.fixed else []))


def parameters(ip: Description) -> etree._Element:
    component_name = named(
        "parameter", "Component_Name",
        element("value", f"{ip.name}_v{ip.version.replace('.', '_')}", resolve="user",
                id="PARAM_VALUE.Component_Name", order=1))
    return element("parameters", [*map(parameter_element, ip.parameters), component_name])


# Files

FILE_TYPES = {".v": "verilogSource", ".vh": "verilogSource", ".tcl": "tclSource", ".c": "cSource",
              ".h": "cSource"}
OUT_OF_CONTEXT = ("USED_IN_implementation", "USED_IN_out_of_context", "USED_IN_synthesis")


def file_types(path: PurePosixPath) -> tuple[list[str], list[str]]:
    """IP-XACT types of a file, and Vivado's marks on it."""
    known = FILE_TYPES.get(path.suffix)
    types, marks = [known] if known else [], []
    if path.suffix == ".xdc":
        marks = ["xdc", *(OUT_OF_CONTEXT if path.stem.endswith("_ooc") else [])]
    elif path.suffix in (".md", ""):
        marks = ["text"]
    if "xgui" in path.parts:
        marks = ["XGUI_VERSION_2"]
    elif "drivers" in path.parts:
        kind = "src" if "src" in path.parts else path.suffix[1:]
        marks = ["mdd"] * (kind == "mdd") + [f"driver_{kind}"]
    return types, marks


def file_element(path: PurePosixPath) -> etree._Element:
    types, marks = file_types(path)
    include = path.suffix == ".vh"
    return named("file", str(path), *(element("fileType", kind) for kind in types),
                 *(element("userFileType", mark) for mark in marks),
                 *([element("isIncludeFile", "true")] if include else []))


def file_sets(files: dict[str, list[PurePosixPath]]) -> etree._Element:
    return element("fileSets", [
        named("fileSet", f"{name}_view_fileset", *map(file_element, files[name]))
        for name in VIEWS])


def vendor_extensions(ip: Description) -> etree._Element:
    return element("vendorExtensions", [
        xilinx("coreExtensions", [
            xilinx("supportedFamilies", [xilinx("family", family, lifeCycle="Pre-Production")
                                         for family in ip.families]),
            xilinx("taxonomies", [xilinx("taxonomy", ip.taxonomy)]),
            xilinx("displayName", ip.display_name),
            xilinx("definitionSource", "package_project"),
            xilinx("coreRevision", ip.revision)]),
        xilinx("packagingInfo", [xilinx("xilinxVersion", "2020.1")])])


def component(ip: Description, files: dict[str, list[PurePosixPath]]) -> bytes:
    """The text of component.xml. `files` gives the packaged files of each of VIEWS."""
    root = element("component", [
        element("vendor", ip.vendor), element("library", ip.library), element("name", ip.name),
        element("version", ip.version), bus_interfaces(ip), address_spaces(ip), memory_maps(ip),
        model(ip), choices(ip), file_sets(files), element("description", ip.description),
        parameters(ip), vendor_extensions(ip)])
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
