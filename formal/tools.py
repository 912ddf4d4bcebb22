# SPDX-License-Identifier: Apache-2.0
"""Yosys and ABC, as the pyosys wheel ships them, run in processes of their own."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyosys

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "formal"

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


def _abc(script: str, limit_s: int, proven: str, refuted: str) -> str:
    """Run an ABC script; the verdict is proven or refuted as its output contains those texts."""
    abc = Path(pyosys.__file__).parent / "yosys-abc"
    try:
        done = subprocess.run([abc, "-c", script], cwd=ROOT, capture_output=True, text=True,
                              timeout=limit_s)
    except subprocess.TimeoutExpired:
        return f"undecided in {limit_s} s"
    verdicts = [name for name, text in (("proven", proven), ("refuted", refuted))
                if text in done.stdout]
    if len(verdicts) != 1:
        raise ToolError((done.stdout + done.stderr)[-2000:])
    return verdicts[0]


def never_one(aiger: Path, limit_s: int) -> str:
    """Whether the only output of a combinational AIGER file can never be 1, by SAT sweeping."""
    return _abc(f"&r {aiger}; &cec -m", limit_s,
                "Networks are equivalent", "Networks are NOT EQUIVALENT")


def never_bad(aiger: Path, limit_s: int) -> str:
    """Whether no reachable state fails an assertion, by property-directed reachability."""
    return _abc(f"read_aiger {aiger}; fold; orpos; pdr", limit_s,
                "Property proved", "was asserted in frame")
