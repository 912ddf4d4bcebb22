# SPDX-License-Identifier: Apache-2.0
"""Waivers (waivers.yaml): what need not be covered, each with a reason."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tb.regress import ROOT
from tb.regress.code_coverage import KINDS
from tb.regress.spec import SpecError

WAIVERS = Path(__file__).parent / "waivers.yaml"
WAIVED_KINDS = (*KINDS, "functional")
SOURCE = " @ "  # between an object and a piece of its source line
TOGGLE = re.compile(r"(?P<signal>.*?)(\[(?P<high>\d+)(:(?P<low>\d+))?\])?(?P<edge>:[01]->[01])?")


@functools.cache
def source_lines(file: str) -> list[str]:
    """Lines of a source file, the first at index 1."""
    return ["", *(ROOT / file).read_text(encoding="utf-8").split("\n")]


@dataclass(frozen=True)
class Waiver:
    """On `configs` (none: on all), of `kind` in files (cover points) that match `where`: `what`.

    `what` is a bin, or an object as Verilator calls it, and may end with a piece of the source line
    (object @ piece; a line is only @ piece). `*` stands for anything, {0..7} for a number. For a
    toggle the object is a signal, of which a part select means some bits; it may end with an edge,
    as :1->0.
    """

    reason: str
    kind: str
    where: str
    what: str
    configs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.reason.split()) < 3:
            raise SpecError(f"waiver {self}: a reason is missing")
        if self.kind not in WAIVED_KINDS:
            raise SpecError(f"waiver {self}: {self.kind!r} is not one of {WAIVED_KINDS}")
        if not self.where or not self.what:
            raise SpecError(f"waiver {self}: says nothing")

    def __str__(self) -> str:
        configs = f" on {', '.join(self.configs)}" if self.configs else ""
        return f"{self.kind} {self.where}: {self.what}{configs} ({self.reason})"

    def applies(self, config: str) -> bool:
        return not self.configs or config in self.configs

    def is_about(self, kind: str, where: str) -> bool:
        """Whether anything of this kind in this file (cover point) may be meant."""
        return kind == self.kind and fnmatch.fnmatchcase(where, self.where)

    def means(self, what: str, source_line: str = "") -> bool:
        """Whether this object (bin), on this line, is meant."""
        pattern, text = self._patterns
        return bool(pattern.fullmatch(what)) and text in source_line

    @functools.cached_property
    def _patterns(self) -> tuple[re.Pattern, str]:
        name, _, text = self.what.partition(SOURCE.strip() + " ")
        name = name.strip()
        if self.kind != "toggle":
            return re.compile(literally(name or "*")), text
        parts = TOGGLE.fullmatch(name)
        bits = r"(\[\d+\])?"
        if parts["high"]:
            high, low = int(parts["high"]), int(parts["low"] or parts["high"])
            bits = rf"\[{one_of(low, high)}\]"
        edge = re.escape(parts["edge"]) if parts["edge"] else ":[01]->[01]"
        return re.compile(literally(parts["signal"]) + bits + edge), text


def literally(text: str) -> str:
    """A regular expression in which only `*` and {0..7} are special."""
    parts = re.split(r"(\*|\{\d+\.\.\d+\})", text)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = [".*" if part == "*" else one_of(*map(int, re.findall(r"\d+", part)))
                   for part in parts[1::2]]
    return "".join(parts)


def one_of(low: int, high: int) -> str:
    """A regular expression for the numbers low..high."""
    return f"({'|'.join(map(str, range(low, high + 1)))})"


def load_waivers(path: Path = WAIVERS) -> list[Waiver]:
    """All waivers; SpecError names the entry that is wrong."""
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    return [waiver for entry in entries for waiver in read(entry)]


def read(entry: Mapping) -> Iterator[Waiver]:
    """The waivers of an entry: {reason, configs, kind: {where: what}}, with several kinds, several
    places of each, and of each several things (a list; for toggles also a, b)."""
    known = ("reason", "configs", *WAIVED_KINDS)
    if not isinstance(entry, Mapping) or not entry.keys() <= set(known):
        raise SpecError(f"waiver {entry}: is not made of {', '.join(known)}")
    places = [(kind, where, what) for kind in WAIVED_KINDS
              for where, what in entry.get(kind, {}).items()]
    if not places:
        raise SpecError(f"waiver {entry}: says nothing")
    for kind, where, what in places:
        if not isinstance(what, list):
            what = what.split(", ") if kind == "toggle" else [what]
        for thing in what:
            yield Waiver(entry.get("reason", ""), kind, where, thing,
                         tuple(entry.get("configs", ())))
