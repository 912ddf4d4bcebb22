# SPDX-License-Identifier: Apache-2.0
"""Speed-up of whole networks over arrays, bus widths, N:M and batches.

    sat sweep [--networks resnet9 vit-small] [--arrays 8x8 16x16 32x32] [--data-w 128 512]
              [--nm 2:8] [--batch 64] [--exact] [--out build/sweep.sqlite]

Evaluates what the database has not got yet, and prints and draws what was asked for. Dense steps,
to which speed-ups refer, are evaluated too. Cycles are estimates, or with --exact those of the
cycle model.
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

from distributed import Client, as_completed
from rich.console import Console
from rich.table import Table

from .. import cluster, terminal, worker
from ..files import DamagedFile
from ..nn import DENSE
from ..options import parse_nm, positive
from . import NETWORKS
from .case import Case, ask

ARRAYS = ((4, 4), (8, 8), (16, 16), (32, 32), (64, 64))
WIDTHS = (128, 512)
KEY = [field.name for field in fields(Case)]
RESULTS = ["cycles", "macs", "bytes", "peak_memory_bytes", "seconds"]
console = Console()


class Results:
    """A table `cases` of an SQLite file: a row for each case, with its fields and its results."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(path)
        with self.connection as link:
            link.execute(f"CREATE TABLE IF NOT EXISTS cases ({', '.join(KEY + RESULTS)}, "
                         f"PRIMARY KEY ({', '.join(KEY)}))")

    def add(self, case: Case, answer: dict[str, Any]) -> None:
        values = [*astuple(case), *(answer[name] for name in RESULTS)]
        with self.connection as link:
            link.execute(f"INSERT OR REPLACE INTO cases VALUES ({', '.join('?' * len(values))})",
                         values)

    def read(self) -> dict[Case, dict[str, Any]]:
        rows = self.connection.execute(f"SELECT {', '.join(KEY + RESULTS)} FROM cases")
        return {Case(**dict(zip(KEY, row))): dict(zip(RESULTS, row[len(KEY):])) for row in rows}


def grid(args: argparse.Namespace) -> Iterator[Case]:
    """The cases of the options, small arrays first. Those that no core could be are left out: an
    array's tile must fill a beat."""
    for (rows, cols), width, name, (n, m) in itertools.product(
            args.arrays, args.data_w, args.networks, dict.fromkeys([DENSE, *args.nm])):
        for batch in args.batch or [NETWORKS[name]((n, m)).batch]:
            case = Case(name, rows, cols, width, batch, n, m, args.exact)
            try:
                case.config()
            except ValueError:
                continue
            yield case


def evaluate_all(client: Client, todo: Sequence[Case], results: Results) -> int:
    """Adds the results as they come; returns how many cases failed."""
    futures = {client.submit(ask, case, pure=False, priority=-number): case
               for number, case in enumerate(todo)}
    failed = 0
    try:
        for count, future in enumerate(as_completed(futures), 1):
            case, answer = futures[future], future.result()
            if worker.ERROR in answer:
                failed += 1
                text = f"failed: {answer[worker.ERROR]}"
            else:
                results.add(case, answer)
                text = f"{answer['cycles'] / 1e6:,.1f} M cycles in {answer['seconds']:.0f} s"
            console.print(f"{count}/{len(todo)} {case.name}: {text}", highlight=False,
                          soft_wrap=True, markup=False)
    except KeyboardInterrupt:
        client.cancel(list(futures), force=True)
        client.run(worker.stop)
        raise
    return failed


def dense_of(case: Case) -> Case:
    return replace(case, n=DENSE[0], m=DENSE[1])


def speedups(found: dict[Case, dict[str, Any]], cases: Sequence[Case]) -> dict[Case, float]:
    """Over dense, of the sparse cases."""
    return {case: found[dense_of(case)]["cycles"] / found[case]["cycles"] for case in cases
            if not case.dense and case in found and dense_of(case) in found}


def table(found: dict[Case, dict[str, Any]], cases: Sequence[Case]) -> Table:
    made = Table("network", "array", "bus", "batch", "N:M", "M cycles", "speed-up", "used", "GB")
    faster = speedups(found, cases)
    for case in (case for case in cases if case in found):
        row = found[case]
        made.add_row(case.network, f"{case.rows}x{case.cols}", str(case.data_w), str(case.batch),
                     "dense" if case.dense else f"{case.n}:{case.m}",
                     f"{row['cycles'] / 1e6:,.1f}",
                     f"{faster[case]:.2f}x" if case in faster else "",
                     f"{row['macs'] / (case.pes * row['cycles']):.1%}", f"{row['bytes'] / 1e9:.2f}")
    return made


def plot(found: dict[Case, dict[str, Any]], cases: Sequence[Case], path: Path) -> None:
    """Speed-up against PEs: a picture for each bus width and N:M, a line for each network and
    batch."""
    import matplotlib  # slow to import, needed here only
    matplotlib.use("Agg")
    from matplotlib import pyplot

    faster = speedups(found, cases)
    widths = sorted({case.data_w for case in faster})
    ratios = sorted({(case.n, case.m) for case in faster}, key=lambda nm: nm[1] / nm[0])
    lines = sorted({(case.network, case.batch) for case in faster})
    figure, axes = pyplot.subplots(len(widths), len(ratios), squeeze=False, sharex=True,
                                   sharey="col", layout="constrained",
                                   figsize=(4.5 * len(ratios), 3.5 * len(widths)))
    for (row, width), (column, nm) in itertools.product(enumerate(widths), enumerate(ratios)):
        axis = axes[row][column]
        for line in lines:
            points = sorted((case.pes, speedup) for case, speedup in faster.items()
                            if (case.network, case.batch) == line
                            and (case.data_w, case.n, case.m) == (width, *nm))
            axis.plot(*zip(*points) if points else ([], []), marker="o",
                      label=f"{line[0]}, batch {line[1]}")
        axis.set(title=f"{nm[0]}:{nm[1]}, {width} bits", xlabel="PEs", ylabel="speed-up")
        axis.set_xscale("log", base=2)
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize="x-small")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def parse_array(text: str) -> tuple[int, int]:
    rows, cross, cols = text.partition("x")
    if not (cross and rows.isdecimal() and cols.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not ROWSxCOLS")
    return int(rows), int(cols)


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat sweep`."""
    parser = argparse.ArgumentParser(prog="sat sweep", **options, description="Speed-up of whole "
                                     "networks over arrays, bus widths, N:M and batches.")
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS),
                        metavar="NAME", help=f"some of {', '.join(NETWORKS)}")
    parser.add_argument("--arrays", nargs="+", type=parse_array, default=list(ARRAYS),
                        metavar="ROWSxCOLS", help="4x4 to 64x64 by default")
    parser.add_argument("--data-w", nargs="+", type=int, choices=(128, 256, 512),
                        default=list(WIDTHS), help="AXI data bits; 128 and 512 by default")
    parser.add_argument("--nm", nargs="+", type=parse_nm, default=[(2, 8)], metavar="N:M",
                        help="beside dense; 2:8 by default")
    parser.add_argument("--batch", nargs="+", type=positive, help="samples of a step; each "
                        "network has its own by default")
    parser.add_argument("--exact", action="store_true", help="by the cycle model")
    parser.add_argument("--out", type=Path, default=Path("build", "sweep.sqlite"),
                        help="database of results (default: build/sweep.sqlite)")
    cluster.add_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Exit code 0 only if every case that was asked for is there."""
    results, cases = Results(args.out), list(grid(args))
    if not cases:
        console.print("no such core is possible: a tile must fill a beat", highlight=False)
        return 2
    found = results.read()
    todo = [case for case in cases if case not in found]
    console.print(f"{len(cases)} cases, of which {len(cases) - len(todo)} are done",
                  highlight=False)
    failed = 0
    if todo:
        with cluster.connected(cluster.Where.of(args)) as client:
            failed = evaluate_all(client, todo, results)
    found, picture = results.read(), args.out.with_suffix(".png")
    terminal.print_table(console, table(found, cases))
    if speedups(found, cases):
        plot(found, cases, picture)
        console.print(f"{args.out}, {picture}", highlight=False, soft_wrap=True)
    return 1 if failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)

    def go() -> int:
        try:
            return run(args)
        except sqlite3.DatabaseError as error:
            raise DamagedFile(args.out, error, "delete it or name another with --out") from error

    return cluster.resumable(args.out.parent / "sweep", console, go, DamagedFile)


if __name__ == "__main__":
    terminal.run(main)
