# SPDX-License-Identifier: Apache-2.0
"""The test plan, held against what has run and what was covered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tb.regress.coverage import ConfigCoverage, Figure
from tb.regress.plan import Result
from tb.uvm.testplan import Entry

STAGES = {"V1": "smoke", "V2": "feature", "V3": "stress"}


@dataclass(frozen=True)
class Closure:
    """An entry's state. `tests` says (passed, failed) of each test, `cover` the figure of each
    cover point in the configuration where it is lowest."""

    entry: Entry
    tests: dict[str, tuple[int, int]]
    cover: dict[str, Figure]

    @property
    def tested(self) -> bool:
        """Its tests ran and never failed: all that can be said without coverage."""
        return all(passed and not failed for passed, failed in self.tests.values())

    @property
    def closed(self) -> bool:
        return self.tested and all(figure.percent == 100 for figure in self.cover.values())


def closures(entries: Iterable[Entry], results: Iterable[Result],
             coverages: Mapping[str, ConfigCoverage]) -> list[Closure]:
    """A test is known by its own name and by those of the cocotb tests that run in it."""
    counts: dict[str, list[int]] = {}
    for result in results:
        # A pyuvm class may go by module.Class.
        cases = {name.rpartition(".")[2]: status for name, status in result.cases.items()}
        for name, status in {**cases, result.run.test: result.status}.items():
            counts.setdefault(name, [0, 0])[status != "passed"] += 1
    return [Closure(entry, {name: tuple(counts.get(name, (0, 0))) for name in entry.tests},
                    {name: lowest(name, coverages) for name in entry.cover})
            for entry in entries]


def lowest(name: str, coverages: Mapping[str, ConfigCoverage]) -> Figure:
    """The cover point's figure where it is lowest, nothing of nothing where it never was."""
    figures = [coverage.point_figure(name, coverage.points[name])
               for coverage in coverages.values() if name in coverage.points]
    return min(figures, key=lambda figure: figure.percent or 0, default=Figure())
