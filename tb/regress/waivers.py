# SPDX-License-Identifier: Apache-2.0
"""Waivers (waivers/FOLDER.yaml, of rtl/FOLDER): what need not be covered, each with a reason."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tb.regress import ROOT
from tb.regress.code_coverage import KINDS
from tb.regress.field_map import vector_of
from tb.regress.spec import SpecError

WAIVERS = Path(__file__).parent / "waivers"
EVERY = "every"  # the file of waivers about every folder
TOP = "rtl/sat_top.v", "top"
WAIVED_KINDS = (*KINDS, "functional")
SOURCE = " @ "  # between an object and a piece of its source line
TOGGLE = re.compile(r"(?P<signal>.*?)(\.(?P<field>[A-Z][A-Z0-9_]*))?"
                    r"(\[(?P<high>\d+)(:(?P<low>\d+))?\])?(?P<edge>:[01]->[01])?")


@functools.cache
def source_lines(file: str) -> list[str]:
    """Lines of a source file, the first at index 1."""
    return ["", *(ROOT / file).read_text(encoding="utf-8").split("\n")]


@dataclass(frozen=True)
class Waiver:
    """On `configs` (none: on all), of `kind` in files (cover points) that match `where`: `what`.

    `what` is a bin, or an object as Verilator calls it, and may end with a piece of the source line
    (object @ piece; a line is only @ piece). `*` stands for anything, {0..7} for a number. For a
    toggle the object is a signal, a field of it (tile_i.ROW, packet_addr.FF, stride_i.EACH; see
    field_map), of which a part select means some bits; it may end with an edge, as :1->0.
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
        part = (int(parts["high"]), int(parts["low"] or parts["high"])) if parts["high"] else None
        bits = r"(\[\d+\])?"
        if parts["field"]:
            bits = rf"\[{one_of(self._field_bits(parts['signal'], parts['field'], part))}\]"
        elif part:
            bits = rf"\[{one_of(range(part[1], part[0] + 1))}\]"
        edge = re.escape(parts["edge"]) if parts["edge"] else ":[01]->[01]"
        return re.compile(literally(parts["signal"]) + bits + edge), text

    def _field_bits(self, signal: str, field: str, part: tuple[int, int] | None) -> list[int]:
        try:
            vector = vector_of("\n".join(source_lines(self.where)), signal.rpartition(".")[2])
            if vector is None:
                raise KeyError(field)
            return list(vector.bits(field, part))
        except (OSError, KeyError, ValueError) as error:
            raise SpecError(f"waiver {self}: {signal} has no such field") from error

    def check_subject(self) -> None:
        """SpecError if what is waived is no longer in the source file."""
        if "*" in self.where or self.kind == "functional":
            return
        if not (ROOT / self.where).is_file():
            raise SpecError(f"waiver {self}: there is no such file")
        source = "\n".join(source_lines(self.where))
        words = set(re.findall(r"\w+", re.sub(r"//.*", "", source)))
        name, _, text = self.what.partition(SOURCE.strip() + " ")
        self._patterns  # finds the field
        gone = [word for word in named(self.kind, name.strip()) if word not in words]
        if self.kind == "toggle":
            gone += beyond(source, TOGGLE.fullmatch(name.strip()))
        if gone or text not in source:
            raise SpecError(f"waiver {self}: {self.where} has no {', '.join(gone) or repr(text)}")


def literally(text: str) -> str:
    """A regular expression in which only `*` and {0..7} are special."""
    parts = re.split(r"(\*|\{\d+\.\.\d+\})", text)
    parts[::2] = map(re.escape, parts[::2])
    for place, part in enumerate(parts[1::2]):
        low, _, high = part.strip("{}").partition("..")
        parts[2 * place + 1] = ".*" if part == "*" else one_of(range(int(low), int(high) + 1))
    return "".join(parts)


def one_of(numbers: Iterable[int]) -> str:
    """A regular expression for any of the numbers."""
    return f"({'|'.join(map(str, numbers))})"


def named(kind: str, what: str) -> list[str]:
    """The names of the source in an object of this kind."""
    if kind == "toggle":
        what = TOGGLE.fullmatch(what)["signal"]
    elif kind != "expr":
        return []  # an object of a branch or line is Verilator's own word
    what = re.sub(r"\w*\*\w*|\{\d+\.\.\d+\}|\d+'+[bdh]\w+", " ", what)
    return re.findall(r"[A-Za-z_]\w*", what)


def beyond(source: str, toggle: re.Match) -> Iterator[str]:
    """The bit of a toggle that is above its signal, where that is declared as [number:0]."""
    signal = toggle["signal"].rpartition(".")[2]
    declared = re.findall(rf"\[(\d+):0\]\s*(?:\w+\s*,\s*)*{re.escape(signal)}\b", source)
    if toggle["high"] and declared and int(toggle["high"]) > max(map(int, declared)):
        yield f"{signal}[{toggle['high']}]"


def load_waivers(folder: Path = WAIVERS) -> list[Waiver]:
    """All waivers; SpecError names the entry that is wrong, or is about what does not exist."""
    return [waiver for path in sorted(folder.glob("*.yaml")) for waiver in load_file(path)]


def load_file(path: Path) -> Iterator[Waiver]:
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
        for waiver in read(entry):
            home = TOP[1] if waiver.where == TOP[0] else Path(waiver.where).parent.name
            if waiver.kind != "functional" and path.stem not in (home, EVERY):
                raise SpecError(f"{path.name}: waiver {waiver}: belongs into {home}.yaml")
            waiver.check_subject()
            yield waiver


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
