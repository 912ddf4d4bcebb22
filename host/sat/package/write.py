# SPDX-License-Identifier: Apache-2.0
"""Writes the package of the core for Vivado's catalogue, without Vivado."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from ..toolchain import ROOT
from . import check, tcl
from .component import SIMULATION, SYNTHESIS, component
from .description import Description, load

DESCRIPTION = "description.tcl"
DOCUMENTS = ("reference/registers.md", "reference/commands.md", "reference/numerics.md",
             "design/architecture.md", "guide/packaging.md")
DRIVER_SOURCES = ("sat.c", "sat.h", "include/sat_defs.h", "include/sat_operands.h",
                  "include/sat_regs.h")
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same sources give the same archive


def sources(ip: Description) -> dict[str, dict[str, Path]]:
    """Files that are copied: view -> {path in the package: source}."""
    rtl = {path.relative_to(ROOT).as_posix(): path for path in [*ip.headers, *ip.sources]}
    constraints = {f"constraints/{path.name}": path
                   for path in sorted((ROOT / "constraints").glob("*.xdc"))}
    driver = f"drivers/{ip.name}_v{ip.version.replace('.', '_')}"
    data = {f"{driver}/data/{ip.name}.{kind}": ROOT / "sw" / "xilinx" / f"sat.{kind}"
            for kind in ("mdd", "tcl")}
    code = {f"{driver}/src/{path.name}": path
            for path in [ROOT / "sw" / "xilinx" / "Makefile",
                         *(ROOT / "sw" / name for name in DRIVER_SOURCES)]}
    documents = {"doc/LICENSE": ROOT / "LICENSE",
                 **{f"doc/{name}": ROOT / "docs" / name for name in DOCUMENTS}}
    return {SYNTHESIS: {**rtl, **constraints}, SIMULATION: rtl,
            "xilinx_softwaredriver": {**data, **code}, "xilinx_readme": documents}


def write(ip: Description, out: Path) -> list[Path]:
    """Writes the package; returns its files, relative to `out`."""
    if out.exists():
        if any(out.iterdir()) and not (out / "component.xml").is_file():
            raise FileExistsError(f"{out} holds something else than a package")
        shutil.rmtree(out)
    views = sources(ip)
    dialog = f"xgui/{ip.name}_v{ip.version.replace('.', '_')}.tcl"
    copies = {target: source for files in views.values() for target, source in files.items()}
    for target, source in copies.items():
        (out / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, out / target)
    (out / "xgui").mkdir()
    (out / dialog).write_text(tcl.dialog(ip), encoding="utf-8")
    files = {name: [PurePosixPath(target) for target in paths] for name, paths in views.items()}
    files["xilinx_xpgui"] = [PurePosixPath(dialog)]
    (out / "component.xml").write_bytes(component(ip, files))
    (out / DESCRIPTION).write_text(tcl.description(ip), encoding="utf-8")
    return [Path("component.xml"), Path(dialog), *map(Path, copies)]


def archive(out: Path, files: list[Path], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in sorted(files):
            info = zipfile.ZipInfo(name.as_posix(), ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            package.writestr(info, (out / name).read_bytes())


def package(out: Path) -> tuple[str, list[str]]:
    """Writes the package and a zip of it; returns a line about them, and what the checks say."""
    ip = load()
    files = write(ip, out)
    problems = check.package_problems(out)
    target = out / f"{ip.vlnv.replace(':', '_')}.zip"
    if not problems:
        archive(out, files, target)
    return f"{ip.vlnv}: {out / 'component.xml'} and {len(files) - 1} files, {target.name}", problems
