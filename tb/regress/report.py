# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import jinja2
from markupsafe import Markup

from sat.files import write_text
from tb.regress import ROOT
from tb.regress.annotate import annotated_files
from tb.regress.charts import line_chart
from tb.regress.coverage import METRICS, ConfigCoverage, Figure
from tb.regress.functional import CoverPoint
from tb.regress.outcome import Outcome
from tb.regress.spec import load_tests
from tb.regress.testplan import STAGES

SLOWEST = 15
FAILURES_MOST = 200
TREND_CAMPAIGNS = 30
TREND_LINES = 6
BINS_MOST = 2000  # of a cover point, in the report


def write_report(path: Path, outcome: Outcome) -> None:
    """Writes the report of a regression, with trends over those before it."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent),
                                     autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"percent": percent, "relative": relative}
    template = environment.get_template("report.html.j2")
    write_text(path, template.render(context(outcome)))


def context(outcome: Outcome) -> dict:
    """What the template shows."""
    coverages = outcome.coverages
    return {
        "outcome": outcome, "campaign": outcome.campaign, "request": outcome.campaign.request,
        "duration": timedelta(seconds=round(outcome.campaign.seconds)),
        "groups": groups(outcome), "tests": load_tests(),
        "failures": outcome.failed[:FAILURES_MOST],
        "closures": outcome.closures, "stages": STAGES,
        "metrics": METRICS, "figures": {name: item.figures() for name, item in coverages.items()},
        "points": points(coverages.values()), "bins_most": BINS_MOST,
        "files": annotated_files(coverages),
        "waivers": waivers(coverages.values()),
        "charts": [Markup(chart) for chart in charts(outcome)],
        "slowest": sorted(outcome.results.values(), key=lambda item: -item.seconds)[:SLOWEST],
    }


def relative(path: str) -> str:
    """From the repository, where it is inside."""
    inside = Path(path).is_relative_to(ROOT)
    return str(Path(path).relative_to(ROOT)) if inside else path


def percent(figure: Figure) -> str:
    """Rounded down, so that 100 means all."""
    if figure.percent is None:
        return "-"
    return "100" if figure.covered >= figure.asked else f"{math.floor(figure.percent * 10) / 10}"


def groups(outcome: Outcome) -> list[dict]:
    """Counts for each test and configuration."""
    rows: dict[tuple[str, str], dict] = {}
    for run in outcome.runs:
        row = rows.setdefault((run.test, run.config), {
            "test": run.test, "config": run.config, "runs": 0, "passed": 0, "failed": 0,
            "missing": 0, "cycles": 0, "seconds": 0.0})
        row["runs"] += 1
        result = outcome.results.get(run)
        if result is None:
            row["missing"] += 1
        else:
            row["passed" if result.passed else "failed"] += 1
            row["cycles"] += result.cycles
            row["seconds"] += result.seconds
    return list(rows.values())


def points(coverages: Iterable[ConfigCoverage]) -> list[dict]:
    """Cover points of all configurations, those with holes first."""
    found = []
    for coverage in coverages:
        for name, point in coverage.points.items():
            found.append({"name": name, "config": coverage.config, "goal": point.goal,
                          "figure": coverage.point_figure(name, point),
                          "bins": bins(name, point, coverage)})
    return sorted(found, key=lambda item: (item["figure"].percent or 0, item["name"],
                                           item["config"]))


def bins(name: str, point: CoverPoint, coverage: ConfigCoverage) -> list[tuple[str, int, str]]:
    """(bin, hits, state), holes first."""
    def state(bin_name: str, hits: int) -> str:
        if hits >= point.goal:
            return "covered"
        return "waived" if (name, bin_name) in coverage.waived_bins else "hole"

    rows = [(bin_name, hits, state(bin_name, hits)) for bin_name, hits in point.bins.items()]
    return sorted(rows, key=lambda row: row[2] != "hole")


def waivers(coverages: Iterable[ConfigCoverage]) -> list[dict]:
    """Each waiver, with the number of points that it excuses per configuration."""
    rows: dict = {}
    for coverage in coverages:
        for waiver in coverage.waivers:
            rows.setdefault(waiver, {})[coverage.config] = 0
        for key, waiver in coverage.waived_points.items():
            rows[waiver][coverage.config] += not coverage.counts[key]
        for key, waiver in coverage.waived_lines.items():
            rows[waiver][coverage.config] += not coverage.lines[key]
        for (name, bin_name), waiver in coverage.waived_bins.items():
            point = coverage.points[name]
            rows[waiver][coverage.config] += point.bins[bin_name] < point.goal
    return [{"waiver": waiver, "excuses": excuses} for waiver, excuses in rows.items()]


def charts(outcome: Outcome) -> list[str]:
    """Coverage, cycles and speed over the regressions up to this one; none for the first."""
    campaigns = [item for item in outcome.store.campaigns()
                 if item.id <= outcome.campaign.id and item.state == "finished"]
    campaigns = campaigns[:TREND_CAMPAIGNS][::-1]
    cycles, speed, covered = defaultdict(list), defaultdict(list), defaultdict(list)
    for point in outcome.store.trend(campaigns):
        if point["cycles"]:
            name = f"{point['test']} {point['config']}{' measured' if point['measured'] else ''}"
            cycles[name].append((point["campaign"], point["cycles"]))
            speed[name].append((point["campaign"], point["cycles_per_second"] / 1000))
    for item in campaigns:
        for config, figures in outcome.store.coverage(item.id).items():
            total = [pair for pair in figures.values() if pair[1]]
            if total:
                least = min(100 * hit / asked for hit, asked in total)
                covered[f"{config}, lowest metric"].append((item.id, least))
    drawn = [("Coverage", "%", covered), ("Cycles per run", "cycles", cycles),
             ("Simulation speed", "thousand cycles per second", speed)]
    return [line_chart(title, unit, longest(series)) for title, unit, series in drawn
            if any(len(line) > 1 for line in series.values())]


def longest(series: dict[str, list]) -> dict[str, list]:
    """The lines with most points; a chart with more of them cannot be read."""
    names = sorted(series, key=lambda name: (-len(series[name]), name))[:TREND_LINES]
    return {name: series[name] for name in sorted(names)}
