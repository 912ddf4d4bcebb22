# SPDX-License-Identifier: Apache-2.0
"""nextpnr's critical path in readable form: what it passes through, and where the time goes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sat.toolchain import ROOT

# Yosys names a cell after a signal nearby, and appends its own types and ports; nextpnr does too.
GENERATED = re.compile(r"(_(LUT4|PFUMX|L6MUX21|CCU2C|MULT18X18D|TRELLIS_FF|TRELLIS_DPR16X4)_|\$).*")
THROUGH = {r"F": "LUT", r"OFX|FXB": "mux", r"FCO": "carry", r"P\d+": "multiplier"}  # by output port


def signal(name: str) -> str:
    return GENERATED.sub("", name.removeprefix("u_dut."))


def through(port: str) -> str:
    """The kind of cell that a path leaves by `port`."""
    return next((kind for pattern, kind in THROUGH.items() if re.fullmatch(pattern, port)),
                f"cell, {port}")


def source(step: dict) -> str:
    """Where the design, not a cell library, declares the net."""
    for place in step.get("sources", []):
        match = re.match(r"(.*/rtl/\S+?\.v:\d+)", place)
        if match:
            return match[1].removeprefix(f"{ROOT}/")
    return ""


def lines(path: list[dict]) -> Iterator[tuple[float, float, str, str, str]]:
    """Steps as (time so far, delay, kind, signal, place in the sources), in ns.

    A carry chain is one step; what takes no time is left out.
    """
    time = 0.0
    carry = 0.0
    for step in path:
        delay, kind = step["delay"], step["type"]
        time += delay
        if kind == "logic":
            kind = through(step["to"]["port"])
        if kind == "carry":
            carry += delay
        elif delay:
            if carry:
                yield time - delay, carry, "carry", "", ""
                carry = 0.0
            name = step["net"] if kind == "routing" else step["from"]["cell"]
            yield time, delay, kind, signal(name), source(step)


def split(path: list[dict]) -> tuple[float, float]:
    """Time in logic (registers included) and in routing."""
    routing = sum(step["delay"] for step in path if step["type"] == "routing")
    return sum(step["delay"] for step in path) - routing, routing
