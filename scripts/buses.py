# SPDX-License-Identifier: Apache-2.0
"""Layouts of buses (spec/buses.yaml) as Verilog macros and as a Python module for the benches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

SPEC = Path(__file__).resolve().parents[1] / "spec" / "buses.yaml"


@dataclass(frozen=True)
class Buses:
    """`records`: {name: {field: (lowest bit, bits)}}, highest field first; `sizes`: bits of each;
    `members`: {vector: names from element 0 up}; `widths`: {element: bits}."""

    records: dict[str, dict[str, tuple[int, int]]]
    sizes: dict[str, int]
    members: dict[str, list[str]]
    widths: dict[str, int]


def load_buses() -> Buses:
    """A field's bits are a number, or the name of a width or of a record before it."""
    spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    records: dict[str, dict[str, tuple[int, int]]] = {}
    sizes: dict[str, int] = {}
    for name, fields in spec["records"].items():
        bits = {field: what if isinstance(what, int) else {**spec["widths"], **sizes}[what]
                for field, what in fields.items()}
        place = sizes[name] = sum(bits.values())
        records[name] = {}
        for field in bits:
            place -= bits[field]
            if field != "_":
                records[name][field] = (place, bits[field])
    return Buses(records, sizes, spec["members"], spec["widths"])


def macros(buses: Buses) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Sections of (macro, text)."""
    for name, fields in buses.records.items():
        yield name, [(f"{name}_BITS", str(buses.sizes[name]))] + [
            (f"{name}_{field}", f"{low} +: {bits}" if bits > 1 else str(low))
            for field, (low, bits) in fields.items()]
    for name, members in buses.members.items():
        yield name, [(f"{name}_COUNT", str(len(members)))] + [
            (f"{name}_{member}", str(number)) for number, member in enumerate(members)]
    yield "Widths", [(f"{name}_BITS", str(bits)) for name, bits in buses.widths.items()]


def verilog_buses(note: str) -> str:
    lines = ["// SPDX-License-Identifier: Apache-2.0", f"// {note}",
             "`ifndef SAT_BUSES_VH", "`define SAT_BUSES_VH"]
    for title, section in macros(load_buses()):
        lines += ["", f"// {title}", *(f"`define SAT_{name} {text}" for name, text in section)]
    return "\n".join([*lines, "", "`endif", ""])


def python_buses(note: str) -> str:
    buses = load_buses()
    lines = ["# SPDX-License-Identifier: Apache-2.0", f'"""{note}"""', "",
             "from tb.common.record import Record", ""]
    for name, fields in buses.records.items():
        lines += [f"{name} = Record({buses.sizes[name]}, {{",
                  *(f'    "{field}": {place},' for field, place in fields.items()), "})"]
    lines += ["", "# Members of vectors, from element 0 up."]
    for name, members in buses.members.items():
        names = ", ".join(f'"{member}"' for member in members)
        lines.append(f"{name} = ({names})")
    lines += ["", "# Elements of a fixed width, in bits."]
    lines += [f"{name}_BITS = {bits}" for name, bits in buses.widths.items()]
    return "\n".join([*lines, ""])
