# SPDX-License-Identifier: Apache-2.0
"""Simulators that observe: with coverage counters, or with a trace of every signal.

Each of these is another build, so that the others stay fast. Waves of cocotb simulations are
cocotb's own. All have the RTL's assertions, but for coverage, which would count their insides.
"""

from __future__ import annotations

from pathlib import Path

from sat.backends import SimBackend
from sat.sim import library
from sat.sim.library import ASSERTIONS, Variant
from tb.common.build import Observed
from tb.regress import ROOT

HARNESS = ROOT / "tb" / "regress" / "sim" / "sat_sim_observed.cpp"
INCLUDE = ROOT / "tb" / "regress" / "sim" / "include"  # before Verilator's own
HEADERS = (library.HARNESS, INCLUDE / "verilated_cov.h")
# Not --coverage: its FSM part stops Verilator 5.49 with an internal error.
COUNT = ("--coverage-line", "--coverage-toggle", "--coverage-expr")
CXX_FLAGS = ("-iquote", str(INCLUDE), "-iquote", str(library.HARNESS.parent))

COVERAGE = Variant(HARNESS, HEADERS, COUNT, CXX_FLAGS)
WAVES = Variant(HARNESS, (*HEADERS, *ASSERTIONS.headers),
                (*ASSERTIONS.verilator_flags, "--trace-vcd"),
                (*ASSERTIONS.cxx_flags, *CXX_FLAGS))


def variant(coverage: bool, waves: bool) -> Variant:
    """The fast simulation with coverage or with waves (not both)."""
    return COVERAGE if coverage else WAVES if waves else ASSERTIONS


def observed(coverage: bool) -> Observed:
    """For simulations of tb.common.runner, with coverage or plain."""
    if not coverage:
        return Observed()
    return Observed(("-USAT_ASSERTIONS", *COUNT), CXX_FLAGS, HEADERS[1:])


def write_coverage(board: SimBackend, path: Path) -> None:
    """The counters of everything that this process has simulated on its board."""
    board.library.sat_sim_write_coverage(str(path).encode())


def open_trace(board: SimBackend, path: Path) -> None:
    board.library.sat_sim_open_trace(str(path).encode())


def close_trace(board: SimBackend) -> None:
    board.library.sat_sim_close_trace()
