# SPDX-License-Identifier: Apache-2.0
"""Coverage of a configuration: counts, what is waived, and the figures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from rich.table import Table

from sat.files import write_text
from tb.regress.code_coverage import Counts, Point, line_counts, read_counts
from tb.regress.functional import CoverPoint, read_functional
from tb.regress.waivers import Waiver, source_lines

METRICS = ("functional", "line", "branch", "toggle", "expr")
POINT_METRICS = ("branch", "toggle", "expr")

T = TypeVar("T")


@dataclass
class Figure:
    """Of `total` points, `covered` were; `waived` others are not asked for."""

    covered: int = 0
    waived: int = 0
    total: int = 0

    def count(self, covered: bool, waived: bool) -> None:
        self.total += 1
        self.covered += covered
        self.waived += waived and not covered

    @property
    def asked(self) -> int:
        return self.total - self.waived

    @property
    def percent(self) -> float | None:
        """Of what is asked for; None where there is nothing."""
        return 100 * self.covered / self.asked if self.asked else None

    @property
    def raw_percent(self) -> float | None:
        return 100 * self.covered / self.total if self.total else None

    def __add__(self, other: Figure) -> Figure:
        return Figure(self.covered + other.covered, self.waived + other.waived,
                      self.total + other.total)


@dataclass
class ConfigCoverage:
    """All coverage of one configuration. Waived things are kept with their waiver."""

    config: str
    counts: Counts
    points: dict[str, CoverPoint]
    waivers: list[Waiver]
    lines: dict[tuple[str, int], int] = field(init=False)
    waived_points: dict[Point, Waiver] = field(init=False)
    waived_lines: dict[tuple[str, int], Waiver] = field(init=False)
    waived_bins: dict[tuple[str, str], Waiver] = field(init=False)

    def __post_init__(self) -> None:
        self.waivers = [waiver for waiver in self.waivers if waiver.applies(self.config)]
        self.lines = line_counts(self.counts)
        self.waived_points = self._first(
            (point, point.kind, point.file, point.object, source_lines(point.file)[point.line])
            for point in self.counts)
        self.waived_lines = self._first(
            ((file, line), "line", file, "", source_lines(file)[line]) for file, line in self.lines)
        self.waived_bins = self._first(
            ((name, bin_name), "functional", name, bin_name, "")
            for name, point in self.points.items() for bin_name in point.bins)

    def _first(self, items: Iterable[tuple[T, str, str, str, str]]) -> dict[T, Waiver]:
        """The first waiver of each item that has one; items come with their kind, file or cover
        point, object or bin, and source line."""
        places: dict[tuple[str, str], list[tuple[T, str, str]]] = defaultdict(list)
        for item, kind, where, what, source_line in items:
            places[kind, where].append((item, what, source_line))
        found: dict[T, Waiver] = {}
        for place, members in places.items():
            for waiver in [waiver for waiver in self.waivers if waiver.is_about(*place)]:
                for item, what, source_line in members:
                    if item not in found and waiver.means(what, source_line):
                        found[item] = waiver
        return found

    def figures(self) -> dict[str, Figure]:
        """By metric, of the whole core."""
        total = {metric: Figure() for metric in METRICS}
        for figures in self.by_file().values():
            for metric, figure in figures.items():
                total[metric] += figure
        for name, point in self.points.items():
            total["functional"] += self.point_figure(name, point)
        return total

    def point_figure(self, name: str, point: CoverPoint) -> Figure:
        figure = Figure()
        for bin_name, hits in point.bins.items():
            figure.count(hits >= point.goal, (name, bin_name) in self.waived_bins)
        return figure

    def by_file(self) -> dict[str, dict[str, Figure]]:
        """Code coverage of each source file."""
        files: dict[str, dict[str, Figure]] = {}

        def figure(file: str, metric: str) -> Figure:
            empty = {name: Figure() for name in ("line", *POINT_METRICS)}
            return files.setdefault(file, empty)[metric]

        for where, count in self.lines.items():
            figure(where[0], "line").count(count > 0, where in self.waived_lines)
        for point, count in self.counts.items():
            if point.kind in POINT_METRICS:
                figure(point.file, point.kind).count(count > 0, point in self.waived_points)
        return dict(sorted(files.items()))

    def idle_waivers(self) -> list[Waiver]:
        """Waivers without effect: nothing matches, or all that matches is covered anyway."""
        needed = {waiver for point, waiver in self.waived_points.items()
                  if not self.counts[point]}
        needed |= {waiver for where, waiver in self.waived_lines.items() if not self.lines[where]}
        needed |= {waiver for (name, bin_name), waiver in self.waived_bins.items()
                   if self.points[name].bins[bin_name] < self.points[name].goal}
        return [waiver for waiver in self.waivers if waiver not in needed]


def gather(config: str, code: Iterable[Path], functional: Iterable[Path],
           waivers: list[Waiver]) -> ConfigCoverage:
    """Adds up the files of a configuration's runs."""
    return ConfigCoverage(config, read_counts(code), read_functional(functional), waivers)


def summary(coverages: Mapping[str, ConfigCoverage]) -> dict[str, dict[str, float | None]]:
    """Percent of what is asked for; null where nothing was measured."""
    return {config: {metric: None if figure.percent is None else round(figure.percent, 2)
                     for metric, figure in coverage.figures().items()}
            for config, coverage in coverages.items()}


def write_summary(coverages: Mapping[str, ConfigCoverage], folder: Path) -> None:
    write_text(folder / "summary.json", json.dumps(summary(coverages), indent=2) + "\n")


def table(figures: Mapping[str, Mapping[str, Figure]]) -> Table:
    """For each configuration: percent after waivers, below it what the figure is made of. Fits
    into 80 columns."""
    result = Table("config", *METRICS, title="coverage, % (covered of asked, + waived)")
    for config, row in figures.items():
        result.add_row(config, *(describe(row[metric]) for metric in METRICS))
    return result


def describe(figure: Figure) -> str:
    if figure.percent is None:
        return "-"
    waived = f"\n+{figure.waived}" if figure.waived else ""
    return f"{figure.percent:.2f}\n{figure.covered}/{figure.asked}{waived}"
