# SPDX-License-Identifier: Apache-2.0
"""Words made of named fields (spec/buses.yaml), as integers or arrays of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """A word of `bits` bits; `fields` says (lowest bit, bits) of each, the highest one first."""

    bits: int
    fields: Mapping[str, tuple[int, int]]

    def pack(self, **values):
        """The word with these fields, by their names in small letters, and zero elsewhere."""
        word = 0
        for name, value in values.items():
            word = word | value << self.fields[name.upper()][0]
        return word

    def get(self, word, name: str):
        """A field of a word."""
        low, bits = self.fields[name.upper()]
        return word >> low & (1 << bits) - 1

    def unpack(self, word) -> dict:
        """All fields of a word, by their names in small letters."""
        return {name.lower(): self.get(word, name) for name in self.fields}
