# SPDX-License-Identifier: Apache-2.0
"""Yosys and ABC, as the pyosys wheel ships them, run in processes of their own."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyosys

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "formal"
INDUCTION_CYCLES = 3

# Yosys ends its process when a command fails, so it gets one to itself.
_INTERPRETER = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.stdin.read().splitlines():
    libyosys.run_pass(command, design)
"""


class ToolError(RuntimeError):
    """A tool that stopped, with the end of its log."""


@dataclass(frozen=True)
class Proof:
    """A statement and the way to decide it; `decide` returns a verdict."""

    what: str
    method: str
    expected: str
    decide: Callable[[], str]


def yosys(*commands: str) -> str:
    """Run Yosys commands in the repository root; returns the log."""
    done = subprocess.run([sys.executable, "-c", _INTERPRETER], input="\n".join(commands),
                          cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ToolError((done.stdout + done.stderr)[-2000:])
    return done.stdout


def _abc(script: str, limit_s: int, **texts: str) -> str:
    """Run an ABC script; the verdict is the name of the text that its output contains.

    It is undecided if ABC says so or takes longer than `limit_s` seconds.
    """
    abc = Path(pyosys.__file__).parent / "yosys-abc"
    try:
        done = subprocess.run([abc, "-c", script], cwd=ROOT, capture_output=True, text=True,
                              timeout=limit_s)
    except subprocess.TimeoutExpired:
        return "undecided"
    texts["undecided"] = "UNDECIDED"
    verdicts = [verdict for verdict, text in texts.items() if text in done.stdout]
    if len(verdicts) != 1:
        raise ToolError((done.stdout + done.stderr)[-2000:])
    return verdicts[0]


def never_one(aiger: Path, limit_s: int) -> str:
    """Whether the only output of a combinational AIGER file can never be 1, by SAT sweeping."""
    return _abc(f"&r {aiger}; &cec -m", limit_s,
                proven="Networks are equivalent", refuted="Networks are NOT EQUIVALENT")


def never_bad(aiger: Path, limit_s: int) -> str:
    """Whether no reachable state fails an assertion, by property-directed reachability."""
    return _abc(f"read_aiger {aiger}; fold; orpos; pdr", limit_s,
                proven="Property proved", refuted="was asserted in frame")


def early_bad(aiger: Path, frames: int, limit_s: int) -> str:
    """Whether an assertion fails in the first `frames` cycles: "refuted", or else "bounded"."""
    return _abc(f"read_aiger {aiger}; fold; orpos; bmc3 -F {frames}", limit_s,
                bounded=f"No output asserted in {frames} frames", refuted="was asserted in frame")


def inductive(aiger: Path, limit_s: int) -> str:
    """Whether no reachable state fails an assertion, by induction over a few cycles."""
    start = early_bad(aiger, INDUCTION_CYCLES + 1, limit_s)
    if start != "bounded":
        return start
    return _abc(f"read_aiger {aiger}; fold; orpos; ind -F {INDUCTION_CYCLES}", limit_s,
                proven="Networks are equivalent", refuted="Networks are NOT EQUIVALENT")
