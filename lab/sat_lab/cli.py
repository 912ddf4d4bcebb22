# SPDX-License-Identifier: Apache-2.0
"""What N:M training costs in accuracy: methods x networks x data x N:M x seeds.

    sat lab [--methods dense bdwp] [--networks resnet] [--data digits] [--nm 2:8] [--seeds 3] ...

Runs what the file of results has not got yet, prints its table, and draws its learning curves
beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from distributed import Client, as_completed
from rich.console import Console

from sat import cluster, terminal, worker
from sat.files import DamagedFile
from sat.options import parse_nm, positive

from .data import DATA, TEXT
from .experiment import Experiment, grid
from .methods import METHODS
from .networks import NETWORKS
from .results import Results, Run

TRAINING = "sat_lab.train"  # the process of one
console = Console()


def run_all(client: Client, todo: Sequence[Experiment], folder: Path | None,
            results: Results) -> int:
    """Adds the results as they come; returns how many trainings failed."""
    there = str(folder.resolve()) if folder else None
    futures = {client.submit(worker.run, TRAINING, {**asdict(experiment), "folder": there},
                             pure=False, priority=-number): experiment
               for number, experiment in enumerate(todo)}
    failed = 0
    try:
        for count, future in enumerate(as_completed(futures), 1):
            experiment = futures[future]
            name = f"{count}/{len(todo)} {experiment.setting}, seed {experiment.seed}"
            answer = future.result()
            if worker.ERROR in answer:
                failed += 1
                text = f"failed: {answer[worker.ERROR]}"
            else:
                run = Run(experiment, **answer)
                results.add(run)
                text = f"{run.accuracy:.2f} % in {run.seconds:.0f} s"
            console.print(f"{name}: {text}", highlight=False, soft_wrap=True, markup=False)
    except KeyboardInterrupt:
        client.cancel(list(futures), force=True)
        client.run(worker.stop)
        raise
    return failed


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat lab`."""
    parser = argparse.ArgumentParser(
        prog="sat lab", description="What N:M training costs in accuracy.", **options)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["dense", "bdwp"],
                        help="default: dense bdwp")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["resnet"],
                        help="default: resnet; gpt is for text, the others are for images")
    parser.add_argument("--data", nargs="+", choices=DATA, default=["digits"],
                        help="default: digits; fashion, cifar10, cifar100 and folder need files")
    parser.add_argument("--data-dir", type=Path,
                        help="folder of the data set's files, if there is one data set")
    parser.add_argument("--nm", nargs="+", type=parse_nm, default=[(2, 8)], metavar="N:M",
                        help="default: 2:8")
    parser.add_argument("--wu", nargs="+", type=parse_nm, default=[], metavar="N:M",
                        help="of dY in WU, for all-sample and all-largest (default: as --nm)")
    parser.add_argument("--epochs", type=positive, default=20, help="default: 20")
    parser.add_argument("--seeds", type=positive, default=3, help="how many (default: 3)")
    parser.add_argument("--out", type=Path, default=Path("build", "lab.json"),
                        help="file of results (default: build/lab.json)")
    cluster.add_options(parser)
    return parser


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.data_dir and len(args.data) > 1:
        parser.error("--data-dir: holds one data set, and there are several")
    for network in args.networks:
        for data in args.data:
            if NETWORKS[network].text != (data == TEXT):
                parser.error(f"{network} does not train on {data}")
    return args


def run(args: argparse.Namespace) -> int:
    """Exit code 0 only if every training that was asked for is there."""
    for name in args.data:
        DATA[name](args.data_dir)  # says what is missing before anything runs
    results = Results(args.out)
    wanted = list(grid(args.methods, args.networks, args.data, args.nm, args.epochs,
                       range(1, args.seeds + 1), args.wu))
    todo = [experiment for experiment in wanted if experiment not in results.runs]
    console.print(f"{len(wanted)} trainings, of which {len(wanted) - len(todo)} are done",
                  highlight=False)
    failed = 0
    if todo:
        with cluster.connected(cluster.Where.of(args)) as client:
            failed = run_all(client, todo, args.data_dir, results)
    if results.runs:
        terminal.print_table(console, results.table())
        results.plot(args.out.with_suffix(".png"))
        console.print(f"{args.out}, {args.out.with_suffix('.png')}", highlight=False,
                      soft_wrap=True)
    return 1 if failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    return cluster.resumable(args.out.parent / "lab", console, lambda: run(args), FileNotFoundError,
                             DamagedFile)


if __name__ == "__main__":
    terminal.run(main)
