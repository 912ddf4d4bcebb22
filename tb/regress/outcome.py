# SPDX-License-Identifier: Apache-2.0
"""All that is known about one regression, for summaries and the report."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from sat.files import write_text
from tb.regress.coverage import ConfigCoverage, gather, write_summary
from tb.regress.junit import write_junit
from tb.regress.lcov import write_lcov
from tb.regress.plan import CODE_COVERAGE, FUNCTIONAL_COVERAGE, Result, Run
from tb.regress.spec import load_tests
from tb.regress.store import Campaign, Store
from tb.regress.testplan import Closure, closures
from tb.regress.waivers import Waiver, load_waivers
from tb.uvm.testplan import load


@dataclass
class Outcome:
    """A regression with its results and coverage."""

    store: Store
    campaign: Campaign

    @functools.cached_property
    def runs(self) -> list[Run]:
        """Every run that was asked for."""
        return self.campaign.request.runs(load_tests())

    @functools.cached_property
    def results(self) -> dict[Run, Result]:
        return self.store.results(self.campaign.id)

    @functools.cached_property
    def repeated(self) -> dict[Run, Result]:
        """What became of failures when they ran once more, alone and with waves."""
        return self.store.results(self.campaign.id, attempt=1)

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results.values() if not result.passed]

    @property
    def missing(self) -> list[Run]:
        return [run for run in self.runs if run not in self.results]

    @property
    def passed(self) -> int:
        return sum(run in self.results and self.results[run].passed for run in self.runs)

    @property
    def good(self) -> bool:
        """Every run that was asked for has passed, and there was one."""
        return bool(self.runs) and self.passed == len(self.runs)

    def replay(self, result: Result) -> str:
        """The command that repeats a run. Where it passed alone, with those before it."""
        run, again = result.run, self.repeated.get(result.run)
        before = result.before if again and again.passed else []
        seeds = " ".join(str(seed) for seed in [*before, run.seed])
        return f".venv/bin/sat regress replay {run.test} {run.config} {seeds} --waves"

    @functools.cached_property
    def coverages(self) -> dict[str, ConfigCoverage]:
        """By configuration, of those with code or functional coverage."""
        code = self.store.coverage_files(self.campaign, CODE_COVERAGE)
        functional = self.store.coverage_files(self.campaign, f"{FUNCTIONAL_COVERAGE}/*.json")
        waivers = load_waivers()
        return {config: gather(config, code[config], functional[config], waivers)
                for config in self.campaign.request.configs if code[config] or functional[config]}

    @property
    def uncounted(self) -> list[Run]:
        """Runs that were to measure, and left no counters: their process was lost at its end."""
        return [run for run, result in self.results.items() if result.measured
                and not (Path(result.log).parent / CODE_COVERAGE).is_file()]

    @property
    def idle_waivers(self) -> list[Waiver]:
        """Waivers without effect in every configuration that they are for."""
        found: dict[Waiver, bool] = {}
        for coverage in self.coverages.values():
            idle = coverage.idle_waivers()
            for waiver in coverage.waivers:
                found[waiver] = found.get(waiver, True) and waiver in idle
        return [waiver for waiver, idle in found.items() if idle]

    @functools.cached_property
    def closures(self) -> list[Closure]:
        return closures(load(), self.results.values(), self.coverages)

    def write_summaries(self) -> None:
        """summary.json and junit.xml of the regression."""
        summary = {"runs": len(self.runs), "passed": self.passed,
                   "failed": len(self.runs) - self.passed,
                   "seeds": len({run.seed for run in self.runs}),
                   "configs": sorted({run.config for run in self.runs}),
                   "seconds": round(self.campaign.seconds, 1)}
        folder = self.store.folder
        write_text(folder / "summary.json", json.dumps(summary, indent=2) + "\n")
        write_junit(folder / "junit.xml", self.runs, self.results, self.replay)

    @property
    def coverage_folder(self) -> Path:
        return self.store.folder.parent / "cov"

    def write_coverage(self) -> None:
        """summary.json and <configuration>.info of the coverage; the figures, into the store."""
        folder = self.coverage_folder
        write_summary(self.coverages, folder)
        for config, coverage in self.coverages.items():
            write_lcov(folder / f"{config}.info", coverage)
            self.store.set_coverage(
                self.campaign.id, config,
                {metric: (figure.covered, figure.asked)
                 for metric, figure in coverage.figures().items()})
