# SPDX-License-Identifier: Apache-2.0
"""nextpnr's critical path in readable form: what it passes through, and where the time goes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tb.common.runner import ROOT

# Yosys names a cell after the signal it drives, then appends its own type and port.
GENERATED = re.compile(r"_(LUT4|PFUMX|L6MUX21|CCU2C|TRELLIS_\w+?|MULT18X18D)_\w+$|_(LUT4|PFUMX|"
                       r"L6MUX21|CCU2C|MULT18X18D)\b.*$")
PASSES_THROUGH = {"F": "LUT", "OFX": "mux", "FCO": "carry", "FXB": "mux"}


def signal(name: str) -> str:
    return GENERATED.sub("", name.removeprefix("u_dut."))


def source(step: dict) -> str:
    """Where the design, not a cell library, declares the net."""
    for place in step.get("sources", []):
        match = re.match(r"(.*/rtl/\S+?\.v:\d+)", place)
        if match:
            return match[1].removeprefix(f"{ROOT}/")
    return ""


def lines(path: list[dict]) -> Iterator[tuple[float, float, str, str, str]]:
    """Steps as (time so far, delay, kind, signal, place in the sources), in ns."""
    time = 0.0
    for step in path:
        time += step["delay"]
        kind, name = step["type"], signal(step["from"]["cell"])
        if kind == "routing":
            name = signal(step["net"])
        elif kind == "logic":
            kind = PASSES_THROUGH.get(step["to"]["port"], "cell " + step["to"]["port"])
        yield time, step["delay"], kind, name, source(step)


def split(path: list[dict]) -> tuple[float, float]:
    """Time in logic (registers included) and in routing."""
    routing = sum(step["delay"] for step in path if step["type"] == "routing")
    return sum(step["delay"] for step in path) - routing, routing
