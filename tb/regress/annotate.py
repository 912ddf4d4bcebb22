# SPDX-License-Identifier: Apache-2.0
"""Source lines with what is not covered on them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tb.regress.code_coverage import Point
from tb.regress.coverage import ConfigCoverage, Figure
from tb.regress.waivers import Waiver, source_lines


@dataclass
class Line:
    """`count`: the least executions in any configuration, None where nothing is counted. `holes`:
    what is missing, and in which configurations; `waived`: the same of what is not asked for, with
    the reason. `state`: covered, hole, waived or nothing."""

    number: int
    text: str
    count: int | None = None
    state: str = ""
    holes: list[str] = field(default_factory=list)
    waived: list[str] = field(default_factory=list)


@dataclass
class File:
    """A source file: figures by configuration and metric, and its lines."""

    name: str
    figures: dict[str, dict[str, Figure]]
    lines: list[Line]

    @property
    def holes(self) -> int:
        return sum(line.state == "hole" for line in self.lines)

    @property
    def lowest(self) -> dict[str, Figure]:
        """Each metric's figure where it is lowest, of those that have something to count."""
        found: dict[str, Figure] = {}
        for row in self.figures.values():
            for metric, figure in row.items():
                if figure.asked and (metric not in found
                                     or figure.percent < found[metric].percent):
                    found[metric] = figure
        return found

    @property
    def least(self) -> float:
        """The lowest figure of all, in percent."""
        return min((figure.percent for figure in self.lowest.values()), default=100.0)


# {(file, line): {(what is missing, reason of its waiver or ""): configurations}}
Missing = dict[tuple[str, int], dict[tuple[str, str], list[str]]]


def annotated_files(coverages: Mapping[str, ConfigCoverage]) -> list[File]:
    """All files, those with the lowest figures first."""
    figures: dict[str, dict[str, dict[str, Figure]]] = defaultdict(dict)
    missing: Missing = defaultdict(lambda: defaultdict(list))
    for config, coverage in coverages.items():
        for name, row in coverage.by_file().items():
            figures[name][config] = row
        _collect(config, coverage, missing)
    files = []
    for name, rows in figures.items():
        lines = [Line(number, text) for number, text in enumerate(source_lines(name))][1:]
        for line in lines:
            _fill(line, (name, line.number), coverages, missing)
        files.append(File(name, rows, lines))
    return sorted(files, key=lambda file: (file.least, file.name))


def _collect(config: str, coverage: ConfigCoverage, missing: Missing) -> None:
    """Adds what a configuration does not cover."""
    points: dict[tuple[tuple[str, int], str], list[Point]] = defaultdict(list)
    for point, count in coverage.counts.items():
        if not count and point.kind != "line":
            reason = _reason(coverage.waived_points.get(point))
            points[(point.file, point.line), reason].append(point)
    for where, count in coverage.lines.items():
        if not count:
            reason = _reason(coverage.waived_lines.get(where))
            missing[where]["never runs", reason].append(config)
    for (where, reason), members in points.items():
        toggles = [point.object for point in members if point.kind == "toggle"]
        texts = [f"{point.kind} {point.object}" for point in members if point.kind != "toggle"]
        for text in [*dict.fromkeys(texts), *toggle_texts(toggles)]:
            missing[where][text, reason].append(config)


def _reason(waiver: Waiver | None) -> str:
    return waiver.reason if waiver else ""


def _fill(line: Line, where: tuple[str, int], coverages: Mapping[str, ConfigCoverage],
          missing: Missing) -> None:
    counts = [coverage.lines[where] for coverage in coverages.values() if where in coverage.lines]
    line.count = min(counts, default=None)
    for (text, reason), configs in missing.get(where, {}).items():
        note = text if len(configs) == len(coverages) else f"{text} ({', '.join(configs)})"
        if reason:
            line.waived.append(f"{note}: waived, {reason}")
        else:
            line.holes.append(note)
    if line.holes:
        line.state = "hole"
    elif line.waived:
        line.state = "waived"
    elif line.count is not None:
        line.state = "covered"


def toggle_texts(objects: Iterable[str]) -> list[str]:
    """'a[3]:0->1', 'a[4]:0->1', 'a[7]:0->1' become 'toggle a[4:3] [7] 0->1'."""
    edges: dict[tuple[str, int, str], set[str]] = defaultdict(set)  # of (signal, bit, field)
    for name in objects:
        found = re.fullmatch(r"(.*?)(?:\[(\d+)\])?(\.[^:]*)?:(.*)", name)
        if found is None:
            raise ValueError(f"toggle {name}: is not signal[bit].field:edge")
        signal, bit, rest, edge = found.groups()
        edges[signal, -1 if bit is None else int(bit), rest or ""].add(edge)
    bits: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for (signal, bit, rest), missing in edges.items():
        bits[signal, rest, " ".join(sorted(missing))].append(bit)
    return [f"toggle {signal}{' '.join(ranges(numbers))}{rest} {missing}"
            for (signal, rest, missing), numbers in bits.items()]


def ranges(numbers: Iterable[int]) -> list[str]:
    """{3, 4, 7} is '[4:3]' and '[7]'; -1 is a signal without bits."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number >= 0 and found[-1][1] == number - 1 and found[-1][0] >= 0:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ["" if first < 0 else f"[{first}]" if first == last else f"[{last}:{first}]"
            for first, last in found]
