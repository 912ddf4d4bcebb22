# SPDX-License-Identifier: Apache-2.0
"""Which bits of a signal a field has, from the signal's declaration and spec/buses.yaml.

A vector is declared as a product, `[`SAT_RD_PORT_COUNT*ADDR_W-1:0]`, of its elements' width (of a
record, fixed, or that of an address or beat) and their number. A field is one of the record, in
every element; or a member, if the product has the number of members; or EACH element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tb.common import buses
from tb.common.record import Record

EACH = "EACH"
MOST = 64  # elements of a vector of which a parameter says how many there are
PARAMETERS = {"ADDR_W": 40, "DATA_W": 128, "DATA_W/8": 16}  # of all configurations
RECORDS = {name: value for name, value in vars(buses).items() if isinstance(value, Record)}
MEMBERS = {name: value for name, value in vars(buses).items() if isinstance(value, tuple)}
WIDTHS = {name: value for name, value in vars(buses).items() if name.endswith("_BITS")}


@dataclass(frozen=True)
class Vector:
    """`count` elements of `width` bits."""

    width: int
    count: int
    record: Record | None
    members: tuple[str, ...]

    def bits(self, field: str, part: tuple[int, int] | None) -> Iterator[int]:
        """Numbers of the bits of `field`, of which only `part` (high, low), if given."""
        numbers = range(self.count)
        low, width = 0, self.width
        if field in self.members:
            numbers = range(self.members.index(field), self.members.index(field) + 1)
        elif self.record is not None and field in self.record.fields:
            low, width = self.record.fields[field]
        elif field != EACH:
            raise KeyError(field)
        last, first = part or (width - 1, 0)
        if not first <= last < width:
            raise ValueError(f"{field} has bits {width - 1}..0")
        for number in numbers:
            place = number * self.width + low
            yield from range(place + first, place + last + 1)


def vector_of(text: str, signal: str) -> Vector | None:
    """How `signal` is declared in a Verilog text; None if it is not, or not as a product that says
    something."""
    found = re.search(rf"\[([^\[\]:;]+)-1:0\]\s*(?:\w+\s*,\s*)*{re.escape(signal)}\b", text)
    return found and product(found[1])


def product(dimension: str) -> Vector | None:
    width = count = 1
    record, members, known = None, (), False
    for factor in dimension.replace("`SAT_", "").replace(" ", "").split("*"):
        name = factor.removesuffix("_BITS")
        vector = next((vector for vector in MEMBERS if factor.startswith(f"{vector}_")), None)
        if name in RECORDS and factor != name:
            record, width, known = RECORDS[name], width * RECORDS[name].bits, True
        elif factor in WIDTHS or factor in PARAMETERS:
            width, known = width * {**WIDTHS, **PARAMETERS}[factor], True
        elif vector:
            member = factor.removeprefix(f"{vector}_")
            count *= len(MEMBERS[vector]) if member == "COUNT" else MEMBERS[vector].index(member)
            members, known = MEMBERS[vector], True
        elif factor.isdecimal():
            count *= int(factor)
        else:
            count = MOST
    return Vector(width, min(count, MOST), record, members) if known else None
