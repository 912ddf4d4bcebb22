#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Area on UltraScale+ and clock on ECP5, by open tools: build/synth.json, tables on the screen.

    scripts/synth.py                                  everything (see docs/design/synthesis.md)
    scripts/synth.py --only sat_uspe --fmax           one module, without writing build/synth.json
    scripts/synth.py --only sat_fifo:WIDTH=8,DEPTH=64 with parameters
    scripts/synth.py --only sat_uspe --critical       its slowest path, step by step

Results are cached in build/synth by a hash of sources, parameters and tools.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sat import terminal
from scripts.synthesis import cells, critical, flow, report
from scripts.synthesis.targets import SEEDS, TARGETS, Target, find

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "synth.json"


def progress(console: Console, name: str, action: Callable, *args):
    """Runs the action; says how long it took, if it took long."""
    start = time.monotonic()
    result = action(*args)
    if time.monotonic() - start > 1:
        console.print(f"{name}: {time.monotonic() - start:.0f} s", highlight=False)
    return result


def measure(targets: list[Target], clocked: dict[Target, int], jobs: int, console: Console,
            ) -> tuple[dict[str, dict], dict[str, list[flow.Placement]]]:
    """Areas by target, placements by target; `clocked` has the seeds of what is placed."""
    with ThreadPoolExecutor(jobs) as pool:
        areas = {target.name: pool.submit(progress, console, f"{target.name} area", flow.area,
                                          target) for target in targets}
        # Netlists first: the seeds of one target share it.
        netlists = [pool.submit(progress, console, f"{target.name} netlist", flow.netlist, target)
                    for target in clocked]
        for future in netlists:
            future.result()
        placed = {target.name: [pool.submit(progress, console, f"{target.name} seed {seed}",
                                            flow.place, target, seed)
                                for seed in range(1, seeds + 1)]
                  for target, seeds in clocked.items()}
        return ({name: future.result() for name, future in areas.items()},
                {name: [future.result() for future in futures]
                 for name, futures in placed.items()})


def area_table(areas: dict[str, dict]) -> Table:
    table = Table(title="UltraScale+ (Yosys)")
    table.add_column("module")
    for header in (*cells.CLASSES, "VU9P LUT", "VU9P DSP"):
        table.add_column(header, justify="right")
    for name, area in areas.items():
        share = cells.vu9p_share(area)
        table.add_row(name, *(f"{area[key]:g}" for key in cells.CLASSES),
                      f"{share['lut']:.3%}", f"{share['dsp']:.3%}")
    return table


def fmax_table(placements: dict[str, list[flow.Placement]]) -> Table:
    table = Table(title="ECP5-85, speed grade 8, placed and routed (MHz)")
    for header in ("module", "best", "median", "by seed"):
        table.add_column(header, justify="left" if header == "module" else "right")
    for name, runs in placements.items():
        summary = flow.fmax(runs)
        table.add_row(name, f"{summary['best']:.1f}", f"{summary['median']:.1f}",
                      " ".join(f"{run.mhz:.1f}" for run in runs))
    return table


def slowest_path(run: flow.Placement) -> list[dict]:
    """From register to register."""
    return next(path["path"] for path in run.paths
                if path["from"].startswith("posedge") and path["to"].startswith("posedge"))


def critical_table(name: str, run: flow.Placement) -> Table:
    path = slowest_path(run)
    logic, routing = critical.split(path)
    table = Table(title=f"{name}, seed {run.seed}: {run.mhz} MHz, logic {logic:.2f} ns, "
                        f"routing {routing:.2f} ns")
    for header in ("ns", "delay", "through", "signal", "declared"):
        table.add_column(header, justify="right" if header in ("ns", "delay") else "left")
    for at, delay, kind, signal, place in critical.lines(path):
        table.add_row(f"{at:.2f}", f"{delay:.2f}", kind, signal, place)
    return table


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="synth", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="TARGET", help="these; build/synth.json stays")
    parser.add_argument("--fmax", action="store_true", help="with --only: place and route, too")
    parser.add_argument("--critical", action="store_true",
                        help="print the slowest path of each target's worst seed")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N",
                        help="seeds 1..N; without --only fewer, where a target has fewer")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time")
    parser.add_argument("--docs", action="store_true", help="rewrite the tables of the document")
    args = parser.parse_args(argv)
    if args.only and args.docs:
        parser.error("--docs needs the full set")
    try:
        chosen = [target for name in args.only for target in find(name)] if args.only else TARGETS
    except ValueError as error:
        parser.error(str(error))
    console = Console()
    if args.only:
        clocked = {target: args.seeds for target in chosen if args.fmax or args.critical}
    else:
        clocked = {target: min(target.seeds, args.seeds) for target in chosen if target.seeds}
    areas, placements = measure(chosen, clocked, args.jobs, console)
    terminal.print_table(console, area_table(areas))
    if placements:
        terminal.print_table(console, fmax_table(placements))
    if args.critical:
        for name, runs in placements.items():
            slowest = min(runs, key=lambda run: run.mhz)
            terminal.print_table(console, critical_table(name, slowest))
    if not args.only:
        result = {**areas, "fmax_ecp5": {name: flow.fmax(runs)
                                         for name, runs in placements.items()}}
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        if args.docs:
            report.update(result)
    return 0


if __name__ == "__main__":
    terminal.run(main)
