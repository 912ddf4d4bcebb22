# SPDX-License-Identifier: Apache-2.0
"""Regressions: tests x seeds x configurations, their reports, replays of single runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sat import cluster, terminal
from sat.config import SatConfig
from sat.files import DamagedFile, InUse, claimed
from sat.terminal import print_table
from tb.regress import coverage, worker
from tb.regress.manager import Manager
from tb.regress.outcome import Outcome
from tb.regress.plan import Batch, Request, sources_digest
from tb.regress.progress import Progress
from tb.regress.report import write_report
from tb.regress.spec import SpecError, check_names, load_presets, load_tests
from tb.regress.store import FOLDER, Campaign, Store

REPORT = "report.html"
FAILURES_PRINTED = 20

console = Console()


# Commands


def run(args: argparse.Namespace) -> int:
    """Exit code 0 only if every run that was planned has passed, and there was one."""
    with claimed(args.folder):
        return run_alone(args)


def run_alone(args: argparse.Namespace) -> int:
    tests = load_tests()
    store = Store(args.folder)
    campaign = resumed(store) if args.resume else store.begin(requested(args))
    request = campaign.request
    runs = request.runs(tests)
    console.print(f"regression {campaign.id}: {len(runs)} runs of {len(request.seeds)} tests on "
                  f"{', '.join(request.configs)}, first seed {request.first_seed}, "
                  f"coverage on {request.coverage} seeds of each", highlight=False,
                  soft_wrap=True)
    try:
        with cluster.connected(cluster.Where.of(args)) as client, Progress(console) as progress:
            Manager(client, store, campaign, tests, progress, args.jobs).run(runs)
    except KeyboardInterrupt:
        console.print("stopped; go on with: make regress ARGS=--resume")
        return 130
    return conclude(Outcome(store, store.campaign(campaign.id)))


def requested(args: argparse.Namespace) -> Request:
    """The preset, with what the command line says otherwise."""
    tests, presets = load_tests(), load_presets()
    check_names("preset", [args.preset], presets)
    preset = presets[args.preset]
    check_names("test", args.test or [], tests)
    check_names("configuration", args.config or [], SatConfig.names())
    seeds = dict(preset.seeds)
    if args.test:
        seeds = {name: preset.seeds.get(name, 1) for name in args.test}
    if args.seeds is not None:
        seeds = dict.fromkeys(seeds, args.seeds)
    measured = preset.coverage if args.coverage is None else args.coverage
    return Request(preset.name, seeds, tuple(args.config or preset.configs), args.seed, measured)


def resumed(store: Store) -> Campaign:
    campaign = store.campaign()
    if campaign is None or campaign.state == "finished":
        raise SpecError("there is no regression to go on with")
    if campaign.sources != sources_digest():
        raise SpecError(f"the sources have changed since regression {campaign.id} began: "
                        "its results and new ones would not be of the same core")
    return campaign


def conclude(outcome: Outcome) -> int:
    """Writes the summaries and the report, prints the verdict; returns the exit code."""
    outcome.write_summaries()
    if outcome.campaign.request.coverage:
        outcome.write_coverage()
        print_coverage(outcome)
    report_path = outcome.store.folder / REPORT
    write_report(report_path, outcome)
    console.print(f"report: {os.path.relpath(report_path)}", highlight=False, soft_wrap=True)
    for result in outcome.failed[:FAILURES_PRINTED]:
        console.print(f"{result.status}: {result.run.test} {result.run.config} "
                      f"seed {result.run.seed}\n    {outcome.replay(result)}", highlight=False,
                      soft_wrap=True)
    if len(outcome.failed) > FAILURES_PRINTED:
        console.print(f"... and {len(outcome.failed) - FAILURES_PRINTED} more")
    if outcome.missing:
        console.print(f"{len(outcome.missing)} runs have no result, the first: "
                      f"{outcome.missing[0]}")
    if not outcome.runs:
        console.print("no run was asked for: that is a failure")
    console.print(f"{'PASSED' if outcome.good else 'FAILED'}: {outcome.passed} of "
                  f"{len(outcome.runs)} runs passed in {outcome.campaign.seconds:.0f} s",
                  highlight=False)
    return 0 if outcome.good else 1


def print_coverage(outcome: Outcome) -> None:
    print_table(console, coverage.table({config: item.figures()
                                         for config, item in outcome.coverages.items()}))
    if outcome.uncounted:
        console.print(f"{len(outcome.uncounted)} runs measured but left no counters, the first: "
                      f"{outcome.uncounted[0]}")
    for waiver in outcome.idle_waivers:
        console.print(f"waiver that excuses nothing: {waiver}", highlight=False,
                      soft_wrap=True)
    console.print(f"{os.path.relpath(outcome.coverage_folder)}: summary.json, *.info (lcov)",
                  highlight=False, soft_wrap=True)


def report(args: argparse.Namespace) -> int:
    """The report of a regression, the last one if none is named."""
    store = Store(args.folder)
    campaign = store.campaign(args.number)
    if campaign is None:
        raise SpecError("there is no such regression")
    path = args.output or store.folder / REPORT
    write_report(path, Outcome(store, campaign))
    console.print(os.path.relpath(path), highlight=False, soft_wrap=True)
    return 0


def replay(args: argparse.Namespace) -> int:
    """Some seeds again, one after the other in one process."""
    tests = load_tests()
    check_names("test", [args.name], tests)
    check_names("configuration", [args.configuration], SatConfig.names())
    folder = args.folder / "replay" / f"{args.name}-{args.configuration}-{args.seeds[0]}"
    batch = Batch(tests[args.name], args.configuration, tuple(args.seeds), str(folder),
                  waves=args.waves)
    results = worker.run_batch(batch)
    for result in results:
        console.print(f"{result.status}: seed {result.run.seed}, {result.cycles} cycles, "
                      f"{result.seconds:.1f} s\n{result.message}", highlight=False, markup=False)
        for name in (result.waves, result.log):
            if name:
                console.print(f"    {os.path.relpath(name)}", highlight=False, soft_wrap=True)
    return 0 if results and all(result.passed for result in results) else 1


def history(args: argparse.Namespace) -> int:
    """The regressions so far."""
    store = Store(args.folder)
    table = Table("no.", "started", "preset", "revision", "state", "runs",
                  "failed", "min", title="regressions")
    for campaign in store.campaigns()[: args.last]:
        results = store.results(campaign.id)
        failed = sum(not result.passed for result in results.values())
        started = campaign.started[:16].replace("T", " ")
        table.add_row(str(campaign.id), started, campaign.request.preset,
                      campaign.revision, campaign.state, str(len(results)), str(failed),
                      f"{campaign.seconds / 60:.1f}")
    print_table(console, table)
    return 0


def flaky(args: argparse.Namespace) -> int:
    """Runs that passed and failed on the same sources; exit code 1 if there are any."""
    found = Store(args.folder).flaky()
    table = Table("test", "config", "seed", "sources", "passed", "failed", title="flaky runs")
    for run_, sources, passed, failed in found:
        table.add_row(run_.test, run_.config, str(run_.seed), sources, str(passed), str(failed))
    print_table(console, table)
    return 1 if found else 0


def trends(args: argparse.Namespace) -> int:
    """Cycles, speed and coverage from regression to regression."""
    store = Store(args.folder)
    campaigns = store.campaigns()[: args.last][::-1]
    table = Table("test", "config", "cov", "no.", "runs", "failed",
                  "cycles per run", "cycles per second",
                  title="cycles and speed of each regression")
    points = store.trend(campaigns)
    order = itemgetter("test", "config", "measured", "campaign")
    for point in sorted(points, key=order):
        if args.test in (None, point["test"]):
            table.add_row(point["test"], point["config"],
                          "yes" if point["measured"] else "no", str(point["campaign"]),
                          str(point["runs"]), str(point["failed"]), f"{point['cycles']:.0f}",
                          f"{point['cycles_per_second']:.0f}")
    print_table(console, table)
    table = Table("config", "no.", *coverage.METRICS, title="coverage of each regression, %")
    rows = [(config, item.id, figures) for item in campaigns
            for config, figures in store.coverage(item.id).items()]
    for config, number, figures in sorted(rows, key=lambda row: row[:2]):
        table.add_row(config, str(number), *(
            f"{100 * figures[metric][0] / figures[metric][1]:.2f}" if figures[metric][1] else "-"
            for metric in coverage.METRICS))
    print_table(console, table)
    return 0


def list_all(args: argparse.Namespace) -> int:
    """Tests, presets and configurations."""
    presets = load_presets()
    table = Table("test", "kind", *presets, title="seeds per configuration")
    for name, test in load_tests().items():
        table.add_row(name, test.kind, *(str(preset.seeds.get(name, "-"))
                                         for preset in presets.values()))
    table.add_section()
    table.add_row("configurations", "", *("\n".join(preset.configs) for preset in presets.values()))
    table.add_row("coverage", "", *(str(preset.coverage) for preset in presets.values()))
    print_table(console, table)
    return 0


# Arguments


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat regress`."""
    top = argparse.ArgumentParser(prog="sat regress", description=__doc__, **options)
    add_folder(top)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(function=function)
        return sub

    sub = command("run", run, "run a regression")
    sub.add_argument("--resume", action="store_true", help="go on with the last regression")
    sub.add_argument("--coverage", type=int, metavar="N",
                     help="measure coverage on N seeds of each test (default: as the preset says)")
    add_run_options(sub)
    sub = command("replay", replay, "run seeds again, in this order in one process")
    sub.add_argument("name", metavar="TEST")
    sub.add_argument("configuration", metavar="CONFIG")
    sub.add_argument("seeds", metavar="SEED", type=int, nargs="+")
    sub.add_argument("--waves", action="store_true", help="with a trace of every signal")

    sub = command("history", history, "the regressions so far")
    sub.add_argument("--last", type=int, default=20)
    sub = command("report", report, "write the report of a regression again")
    sub.add_argument("number", type=int, nargs="?", help="default: the last one")
    sub.add_argument("--output", type=Path, help="file (default: report.html in the folder)")
    command("flaky", flaky, "runs that passed and failed on the same sources")
    sub = command("trends", trends, "cycles, speed and coverage from regression to regression")
    sub.add_argument("--last", type=int, default=10)
    sub.add_argument("--test", help="only this test")
    command("list", list_all, "tests and presets")
    return top


def add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=lambda text: Path(text).resolve(), default=FOLDER,
                        help="of the data base and all results (default: build/regress)")


def add_run_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--preset", default="quick", help="of presets.yaml (default: quick)")
    sub.add_argument("--test", action="append", help="only this test; may be repeated")
    sub.add_argument("--config", action="append", help="this configuration; may be repeated")
    sub.add_argument("--seeds", type=int, help="seeds of each test")
    sub.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    cluster.add_options(sub)


def execute(function: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Exit code of a command; 2 for what the user or a file has wrong."""
    try:
        return function(args)
    except (SpecError, DamagedFile, InUse) as error:
        console.print(str(error), style="bold", highlight=False, soft_wrap=True)
        return 2


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    return execute(args.function, args)


if __name__ == "__main__":
    terminal.run(main)
