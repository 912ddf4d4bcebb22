# SPDX-License-Identifier: Apache-2.0
"""Simulators that observe: with coverage counters, or with a trace of every signal.

Each of these is another build, so that the others stay fast. Waves of cocotb simulations are
cocotb's own. All have the RTL's assertions, but for coverage, which would count their insides.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from sat import build_sim
from sat.backends import SimBackend
from sat.build_sim import ASSERTIONS, Variant
from tb.regress import ROOT

HARNESS = ROOT / "tb" / "regress" / "sim" / "sat_sim_observed.cpp"
HEADERS = ROOT / "tb" / "regress" / "sim" / "include"  # before Verilator's own
# Not --coverage: its FSM part stops Verilator 5.49 with an internal error.
COUNT = ("--coverage-line", "--coverage-toggle", "--coverage-expr")
INCLUDED = (build_sim.HARNESS, HEADERS / "verilated_cov.h")
# Caches see flags, but not what the harness and Verilator's output include.
VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in INCLUDED)).hexdigest()[:8]
CXX_FLAGS = ("-iquote", str(HEADERS), f"-DSAT_OBSERVED_{VERSION}")

COVERAGE = Variant(HARNESS, COUNT, (*CXX_FLAGS, "-UVM_COVERAGE", "-DVM_COVERAGE=1"),
                   ("verilated_cov.cpp",))
WAVES = Variant(HARNESS, (*ASSERTIONS.verilator_flags, "--trace-vcd"),
                (*ASSERTIONS.cxx_flags, *CXX_FLAGS,
                 "-UVM_TRACE", "-DVM_TRACE=1", "-UVM_TRACE_VCD", "-DVM_TRACE_VCD=1"),
                ("verilated_vcd_c.cpp",))


def variant(coverage: bool, waves: bool) -> Variant:
    """The fast simulation with coverage or with waves (not both)."""
    return COVERAGE if coverage else WAVES if waves else ASSERTIONS


def build_args(coverage: bool) -> tuple[str, ...]:
    """For simulations of tb.common.runner, with coverage or plain."""
    return ("-USAT_ASSERTIONS", *COUNT, "-CFLAGS", " ".join(CXX_FLAGS)) if coverage else ()


def write_coverage(board: SimBackend, path: Path) -> None:
    """The counters of everything that this process has simulated on its board."""
    board.library.sat_sim_write_coverage(str(path).encode())


def open_trace(board: SimBackend, path: Path) -> None:
    board.library.sat_sim_open_trace(str(path).encode())


def close_trace(board: SimBackend) -> None:
    board.library.sat_sim_close_trace()
