# SPDX-License-Identifier: Apache-2.0
"""The FuseSoC core: described as the RTL is, and its targets do what they say."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from sat.config import SatConfig
from sat.package.registers import load_registers, reset_of
from sat.toolchain import ROOT, build_env

CORE = ROOT / "sat.core"
NAME = "sat-core:accelerator:sat"
# What a copy needs: FuseSoC looks for cores everywhere below its root.
NEEDED = ("sat.core", "rtl", "host", "sw", "constraints")

FILES = (ROOT / "rtl" / "sat.f").read_text(encoding="utf-8").split()


def description() -> dict:
    return yaml.safe_load(CORE.read_text(encoding="utf-8").split("\n", 1)[1])


def fusesoc(root: Path, target: str, work: Path, *parameters: str, setup: bool = False
            ) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **build_env()}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env["PATH"],
                                   str(ROOT / "scripts" / "tools")])
    return subprocess.run(
        ["fusesoc", "--cores-root", str(root), "run", "--build-root", str(work),
         f"--target={target}", *["--setup"] * setup, NAME, *parameters], env=env, cwd=work,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def build_folder(work: Path, target: str) -> Path:
    return next(work.glob(f"*/{target}"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core with its files only."""
    root = tmp_path_factory.mktemp("core")
    for name in NEEDED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
    return root


@pytest.mark.quick
def test_core_describes_the_rtl() -> None:
    core = description()
    names = [next(iter(entry)) if isinstance(entry, dict) else entry
             for entry in core["filesets"]["rtl"]["files"]]
    headers = [f"rtl/include/{path.name}" for path in sorted((ROOT / "rtl/include").glob("*.vh"))]
    assert names == headers + FILES
    version = reset_of(next(reg for reg in load_registers()[1] if reg.inst_name == "VERSION"))
    assert core["name"] == f"{NAME}:{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}"
    top = (ROOT / "rtl" / "sat_top.v").read_text(encoding="utf-8")
    assert list(core["parameters"]) == re.findall(r"parameter integer (\w+)", top)
    small = dict(entry.split("=") for entry in core["targets"]["sim"]["parameters"] if "=" in entry)
    settings = SatConfig.from_name("2x2").parameters()
    assert {name: int(value) for name, value in small.items()}.items() <= settings.items()


@pytest.mark.quick
def test_lint_is_clean(copy: Path, tmp_path: Path) -> None:
    result = fusesoc(copy, "lint", tmp_path)
    assert result.returncode == 0 and "%Warning" not in result.stdout, result.stdout
    arguments = next(build_folder(tmp_path, "lint").glob("*.vc")).read_text(encoding="utf-8")
    assert "--lint-only" in arguments and "-Wall" in arguments
    assert arguments.count(".v\n") == len(FILES)


@pytest.mark.quick
def test_lint_finds_a_warning(copy: Path, tmp_path: Path) -> None:
    root = tmp_path / "core"
    shutil.copytree(copy, root)
    path = root / "rtl" / "common" / "sat_fifo.v"
    text = path.read_text(encoding="utf-8").replace(
        "endmodule", "  wire nobody_reads_this;\nendmodule")
    path.write_text(text, encoding="utf-8")
    result = fusesoc(root, "lint", tmp_path)
    assert result.returncode != 0 and "nobody_reads_this" in result.stdout


@pytest.mark.slow
def test_simulation_passes_and_notices_errors(copy: Path, tmp_path: Path) -> None:
    result = fusesoc(copy, "sim", tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    assert re.search(r"^sat selftest: 2x2 array, \d+ cycles, PASS$", result.stdout, re.MULTILINE)
    # The same core against a self-test that expects 3 of 8 kept.
    folder = build_folder(tmp_path, "sim")
    test = next(folder.glob("src/*/host/sat/sim/selftest.cpp"))
    text = test.read_text(encoding="utf-8")
    test.write_text(text.replace("return ahead < N;", "return ahead < N + 1;"), encoding="utf-8")
    env = {**os.environ, **build_env()}
    subprocess.run(["make", "-f", "Vsat_top.mk"], cwd=folder, env=env, check=True,
                   capture_output=True)
    result = subprocess.run([folder / "Vsat_top"], text=True, capture_output=True)
    assert result.returncode == 1 and "the sparse product is wrong" in result.stdout


@pytest.mark.skipif(not (shutil.which("yosys") or importlib.util.find_spec("tkinter")),
                    reason="neither a native Yosys nor tkinter for the one from PyPI")
def test_synthesis_of_a_pe_gives_a_netlist(copy: Path, tmp_path: Path) -> None:
    result = fusesoc(copy, "synth_pe", tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    written = next(build_folder(tmp_path, "synth_pe").glob("*.json"))
    netlist = json.loads(written.read_text(encoding="utf-8"))
    counts: Counter[str] = Counter()

    def count(module: str) -> None:
        for cell in netlist["modules"][module]["cells"].values():
            kind = cell["type"]
            below = netlist["modules"].get(kind)
            if below is not None and "blackbox" not in below["attributes"]:
                count(kind)
            else:
                counts[kind] += 1

    count("sat_uspe")
    luts = sum(number for kind, number in counts.items() if re.fullmatch(r"LUT\d", kind))
    assert counts["DSP48E2"] == 1 and 100 < luts < 1000, counts
    assert not [kind for kind in counts if kind.startswith("$")], "cells that were not mapped"


@pytest.mark.quick
def test_synthesis_of_the_core_is_set_up(copy: Path, tmp_path: Path) -> None:
    result = fusesoc(copy, "synth", tmp_path, "--ROWS=4", setup=True)
    assert result.returncode == 0, result.stdout
    folder = build_folder(tmp_path, "synth")
    script = (folder / "edalize_yosys_procs.tcl").read_text(encoding="utf-8")
    assert script.count("read_verilog {") == len(FILES)
    assert "chparam -set ROWS 4 sat_top" in script and "chparam -set COLS 2 sat_top" in script
    assert "synth_xilinx -family xcup" in script


@pytest.mark.quick
def test_vivado_project_is_set_up(copy: Path, tmp_path: Path) -> None:
    result = fusesoc(copy, "vivado", tmp_path, setup=True)
    assert result.returncode == 0, result.stdout
    (path,) = (path for path in build_folder(tmp_path, "vivado").glob("*.tcl")
               if "create_project" in path.read_text(encoding="utf-8"))
    script = path.read_text(encoding="utf-8")
    assert "xcvu9p-fsgd2104-2L-e" in script and "sat_top.v" in script and "sat_ooc.xdc" in script
