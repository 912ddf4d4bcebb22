# SPDX-License-Identifier: Apache-2.0
"""Mutation check of the benches: build/mutation.json and a table (docs/verification/mutation.md).

Exit status: 0 when every module reaches the goal, 1 when one does not, 2 when nothing ran or a tool
or bench failed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sat.files import DamagedFile, InUse, claimed
from sat.terminal import print_table, run
from tb.formal.tools import ToolError
from tb.mutation import benches, campaign, netlist
from tb.mutation.units import FP, UNITS

GOALS = {unit.name: unit.goal for unit in UNITS}
SUMMARY = netlist.BUILD.with_suffix(".json")


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat mutation`."""
    parser = argparse.ArgumentParser(prog="sat mutation", description=__doc__.splitlines()[0],
                                     **options)
    parser.add_argument("modules", nargs="*", metavar="MODULE[:MUTANT]",
                        help="these modules only; with a mutant's number: run it and show its log")
    parser.add_argument("--count", type=int, default=60, help="mutants of each module (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="draws the mutants (default 1)")
    parser.add_argument("--proof-s", type=int, default=60, metavar="S",
                        help="time limit of a proof of equivalence (default 60)")
    parser.add_argument("--fresh", action="store_true", help="forget earlier verdicts")
    return parser


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = make_parser()
    args = parser.parse_args(argv)
    known = {unit.name for unit in UNITS}
    for name in args.modules:
        unit, _, number = name.partition(":")
        if unit not in known:
            parser.error(f"no module {unit!r}: there are {', '.join(sorted(known))}")
        if number and not (number.isdecimal() and 1 <= int(number) <= args.count):
            parser.error(f"{name}: mutants are 1..{args.count}")
    if not 1 <= args.count < 1 << netlist.SELECT_W:
        parser.error(f"--count must be 1..{(1 << netlist.SELECT_W) - 1}")
    return args


def show(chosen: netlist.Netlist, build: Callable[[], benches.Bench], number: int) -> None:
    """Runs one mutant and prints what there is to see."""
    print(f"{chosen.unit.name}, mutant {number}: {chosen.place(number)}")
    print(f"mutate {chosen.mutants[number - 1]}")
    bench = build()
    print(bench.run(chosen.unit.name, number, bench.baseline(chosen.unit.name)))
    print(bench.log(chosen.unit.name, number))


def table(scores: Sequence[campaign.Score]) -> Table:
    result = Table("module", title="Mutation check")
    for name in ("mutants", "killed", "equivalent", "alive", "score"):
        result.add_column(name, justify="right")
    for score in scores:
        goal = GOALS[score.name]
        mark = "" if score.rate >= goal else f"  below {goal:.0%}"
        result.add_row(score.name, str(score.total), str(score.killed), str(score.equivalent),
                       str(len(score.survivors)), f"{score.rate:.1%}{mark}")
    return result


def main(argv: list[str] | None = None) -> int:
    args = arguments(argv)
    try:
        with claimed(netlist.BUILD):
            return check(args)
    except (benches.BenchError, ToolError, DamagedFile, InUse) as problem:
        print(problem)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here")
        return 130


def check(args: argparse.Namespace) -> int:
    """Exit status of the check."""
    names = {name.partition(":")[0] for name in args.modules}
    wanted = {unit.name for unit in UNITS if not names or unit.name in names}
    benches_wanted = {unit.bench for unit in UNITS if unit.name in wanted}
    # The units of FP share a bench, which is built with all of them.
    netlists = [netlist.make(unit, args.count, args.seed) for unit in UNITS
                if unit.name in wanted or unit.bench == FP and FP in benches_wanted]
    builds = benches.build(netlists)
    chosen = [one for one in netlists if one.unit.name in wanted]
    print(f"mutants drawn by seed {args.seed}, benches run with seed {benches.SEED}")

    numbers = [name.split(":") for name in args.modules if ":" in name]
    if numbers:
        for one in chosen:
            for name, number in numbers:
                if name == one.unit.name:
                    show(one, builds[name], int(number))
        return 0

    console = Console()
    options = campaign.Options(args.proof_s, args.fresh)
    scores: list[campaign.Score] = []
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=sum(len(one.mutants) for one in chosen))
        for one in chosen:
            name = one.unit.name
            seen: dict[str, int] = {}

            def report(number: int, verdict: str, name: str = name,
                       seen: dict[str, int] = seen, one: netlist.Netlist = one) -> None:
                seen[verdict] = seen.get(verdict, 0) + 1
                counts = ", ".join(f"{count} {name}" for name, count in seen.items())
                progress.update(task, advance=1, description=f"{name}: {counts}")
                if verdict not in (benches.FAILED, benches.TIME_OUT, "equivalent"):
                    progress.print(f"{name}:{number} survives ({verdict}): {one.place(number)}",
                                   markup=False, highlight=False, soft_wrap=True)

            scores.append(campaign.run(one, builds[name], options, report))
            counts = ", ".join(f"{count} {name}" for name, count in seen.items())
            progress.print(f"{name}: {counts}", highlight=False)
    campaign.write_summary(scores, SUMMARY)
    print_table(console, table(scores))
    for score in scores:
        for number in score.survivors:
            print(f'look at it: make mutation ARGS="{score.name}:{number} --count {args.count} '
                  f'--seed {args.seed}"')
    print(f"written: {SUMMARY.relative_to(netlist.ROOT)}")
    if not any(score.total for score in scores):
        print("no mutant was run")
        return 2
    return 0 if all(score.rate >= GOALS[score.name] for score in scores) else 1


if __name__ == "__main__":
    run(main)
