# SPDX-License-Identifier: Apache-2.0
"""Runs Vivado's Tcl against the recorder, in Python's own Tcl or in tclsh."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sat.package.description import CLOCK, INTERRUPT, MEMORY, REGISTERS, RESET, Description

RECORDER = Path(__file__).with_suffix(".tcl")


def interpreter() -> str | None:
    """What can run Tcl here: `tkinter`, the path of tclsh, or nothing."""
    try:
        import tkinter  # noqa: F401  (a Python may come without it)
        return "tkinter"
    except ImportError:
        return shutil.which("tclsh")


def evaluate(script: str) -> str:
    """The result of a Tcl script."""
    which = interpreter()
    if which is None:
        raise RuntimeError("neither tkinter nor tclsh is here")
    if which == "tkinter":
        import tkinter
        return str(tkinter.Tcl().eval(script))
    wrapped = f"set result [eval {{{script}}}]\nrecorder::print -nonewline $result\n"
    return subprocess.run([which], input=wrapped, capture_output=True, text=True, check=True).stdout


def core_cell(ip: Description) -> str:
    """The core for the recorder: VLNV, interfaces, pins, address segments, parameters."""
    parts = [f"{REGISTERS} {MEMORY}", f"{CLOCK} {RESET} {INTERRUPT}", f"{REGISTERS}/reg0",
             " ".join(parameter.name for parameter in ip.parameters)]
    return f"{ip.vlnv} " + " ".join(f"{{{part}}}" for part in parts)


def record(script: Path, ip: Description, build: Path, *arguments: str
           ) -> tuple[list[list[str]], list[str]]:
    """Runs a script on what is in `build`: its calls as lists of words, and the complaints."""
    result = evaluate(f"set env(SAT_BUILD) {{{build}}}\nsource {{{RECORDER}}}\n"
                      f"recorder::run {{{script}}} {{{' '.join(arguments)}}} {{{core_cell(ip)}}}")
    calls, problems = result.split("\x1d")[:2]
    return ([call.split("\x1f")[:-1] for call in calls.split("\x1e")[:-1]],
            problems.split("\x1e")[:-1])
