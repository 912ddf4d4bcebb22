# SPDX-License-Identifier: Apache-2.0
"""Waivers (waivers.yaml): points that need not be covered, each with a reason."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import yaml

from regress import ROOT
from regress.code_coverage import KINDS, Point
from regress.spec import SpecError

WAIVERS = Path(__file__).parent / "waivers.yaml"


@functools.cache
def source_lines(file: str) -> list[str]:
    """Lines of a source file, the first at index 1."""
    return ["", *(ROOT / file).read_text().split("\n")]


@dataclass(frozen=True)
class Waiver:
    """What waivers.yaml says of each: `kind` with a `file` pattern and an `object` or a `text`,
    or kind functional with `point` and `bin`. All but `file` are regular expressions."""

    reason: str
    kind: str
    file: str = ""
    object: str = ""
    text: str = ""
    point: str = ""
    bin: str = ""
    configs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        code = self.kind in KINDS and self.file and (self.object or self.text)
        functional = self.kind == "functional" and self.point
        if len(self.reason.split()) < 3:
            raise SpecError(f"waiver {self}: a reason is missing")
        if not (code or functional):
            raise SpecError(f"waiver {self}: needs kind, file and object or text; or kind "
                            "functional and point")

    def __str__(self) -> str:
        what = [self.kind, self.file or self.point, self.object, self.text, self.bin]
        return f"{' '.join(filter(None, what))} ({self.reason})"

    def applies(self, config: str) -> bool:
        return not self.configs or config in self.configs

    def waives_point(self, point: Point) -> bool:
        return (self.kind == point.kind and fnmatch.fnmatch(point.file, self.file)
                and (not self.object or bool(re.fullmatch(self.object, point.object)))
                and self._text_matches(point.file, point.line))

    def waives_line(self, file: str, line: int) -> bool:
        return (self.kind == "line" and not self.object and fnmatch.fnmatch(file, self.file)
                and self._text_matches(file, line))

    def waives_bin(self, point: str, bin_name: str) -> bool:
        return (self.kind == "functional" and bool(re.fullmatch(self.point, point))
                and (not self.bin or bool(re.fullmatch(self.bin, bin_name))))

    def _text_matches(self, file: str, line: int) -> bool:
        return not self.text or bool(re.search(self.text, source_lines(file)[line]))


def load_waivers(path: Path = WAIVERS) -> list[Waiver]:
    known = {item.name for item in fields(Waiver)}
    waivers = []
    for entry in yaml.safe_load(path.read_text()) or []:
        if not isinstance(entry, Mapping) or entry.keys() - known:
            raise SpecError(f"waiver {entry}: unknown entries")
        waivers.append(Waiver(**{"reason": "", "kind": "", **entry,
                                 "configs": tuple(entry.get("configs", ()))}))
    return waivers
