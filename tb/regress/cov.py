# SPDX-License-Identifier: Apache-2.0
"""Coverage of the last regression that measured it; where none has, of one run now."""

from __future__ import annotations

import argparse

from sat import terminal
from tb.regress.annotate import annotated_files
from tb.regress.cli import add_folder, add_run_options, console, execute, print_coverage, run
from tb.regress.outcome import Outcome
from tb.regress.plan import sources_digest
from tb.regress.report import points
from tb.regress.spec import SpecError
from tb.regress.store import Store

SEEDS = 20  # of each test, where coverage has to be measured first


def print_holes(outcome: Outcome) -> None:
    """What is neither covered nor waived, as FILE:LINE: WHAT or POINT: BIN."""
    coverages = outcome.coverages
    holes = [f"{file.name}:{line.number}: {hole}" for file in annotated_files(coverages)
             for line in file.lines for hole in line.holes]
    holes += [f"{point['name']}: {bin_name} ({point['config']})"
              for point in points(coverages.values())
              for bin_name, _, state in point["bins"] if state == "hole"]
    for hole in holes:
        console.print(hole, highlight=False, markup=False, soft_wrap=True)


def cov(args: argparse.Namespace) -> int:
    """Coverage of the last regression that measured it; where none has, of one run now."""
    store = Store(args.folder)
    measured = [item for item in store.campaigns() if item.request.coverage and
                (item.state == "finished" if args.number is None else item.id == args.number)]
    if not measured and args.number is not None:
        raise SpecError(f"there is no regression {args.number} that measured coverage")
    if not measured:
        console.print("no regression with coverage yet: running one")
        return run(args)
    outcome = Outcome(store, measured[0])
    outcome.write_coverage()
    console.print(f"regression {outcome.campaign.id} of {outcome.campaign.started}, "
                  f"{len(outcome.runs)} runs{'' if outcome.good else ', NOT ALL PASSED'}",
                  highlight=False)
    if outcome.campaign.sources != sources_digest():
        console.print("the sources have changed since")
    if args.holes:
        print_holes(outcome)
    print_coverage(outcome)
    return 0


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat cov`."""
    parser = argparse.ArgumentParser(prog="sat cov", description=__doc__, **options)
    add_folder(parser)
    parser.set_defaults(resume=False, coverage=SEEDS)
    parser.add_argument("--holes", action="store_true", help="also list what is not covered")
    parser.add_argument("--number", type=int, help="of this regression, even if it was stopped")
    add_run_options(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    return execute(cov, make_parser().parse_args(argv))


if __name__ == "__main__":
    terminal.run(main)
