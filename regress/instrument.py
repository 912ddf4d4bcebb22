# SPDX-License-Identifier: Apache-2.0
"""Simulators that observe: with coverage counters, or with a trace of every signal.

Each of these is another build, so that the plain ones stay fast, with a cache of its own. A
process runs one kind of simulator: `instrument` settles which, before anything is built.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from regress import ROOT
from sat import build_sim
from sat.backends import SimBackend
from tb.common import runner

HARNESS = ROOT / "regress" / "sim" / "sat_sim_observed.cpp"
HEADERS = ROOT / "regress" / "sim" / "include"  # before Verilator's own
# Not --coverage: its FSM part stops Verilator 5.49 with an internal error.
COVERAGE = ["--coverage-line", "--coverage-toggle", "--coverage-expr"]


def instrument(coverage: bool = False, waves: bool = False) -> None:
    """Lets this process build and use simulators with coverage, or with waves (not both)."""
    if coverage:
        runner.BUILD_ARGS["verilator"] = [*runner.BUILD_ARGS["verilator"], *COVERAGE,
                                          "-CFLAGS", f"-iquote {HEADERS}"]
        # Verilator's runtime, too, is compiled in another way.
        runner.SIM_DIR = ROOT / "build" / "sim-coverage"
        _fast("simlib-coverage", COVERAGE, ["-DVM_COVERAGE"], ["verilated_cov.cpp"])
        build_sim.CXX_FLAGS += ["-iquote", str(HEADERS)]
    elif waves:
        _fast("simlib-waves", ["--trace-vcd"], ["-DVM_TRACE", "-DVM_TRACE_VCD"],
              ["verilated_vcd_c.cpp"])


def _fast(cache: str, verilator_flags: list[str], defines: list[str], runtime: list[str]) -> None:
    """Makes sat.build_sim build the fast simulation with these flags and runtime files."""
    # The cache does not see what harness and flags include.
    included = build_sim.HARNESS.read_bytes() + (HEADERS / "verilated_cov.h").read_bytes()
    version = hashlib.sha256(included).hexdigest()[:8]
    build_sim.CACHE = ROOT / "build" / f"{cache}-{version}"
    build_sim.HARNESS = HARNESS
    build_sim.VERILATOR_FLAGS = [*build_sim.VERILATOR_FLAGS, *verilator_flags]
    build_sim.CXX_FLAGS = [f"{name}=1" if (name := flag.partition("=")[0]) in defines else flag
                           for flag in build_sim.CXX_FLAGS]
    build_sim.RUNTIME = (*build_sim.RUNTIME, *runtime)


def write_coverage(board: SimBackend, path: Path) -> None:
    """The counters of everything that this process has simulated on its board."""
    board._library.sat_sim_write_coverage(str(path).encode())


def open_trace(board: SimBackend, path: Path) -> None:
    board._library.sat_sim_open_trace(str(path).encode())


def close_trace(board: SimBackend) -> None:
    board._library.sat_sim_close_trace()
