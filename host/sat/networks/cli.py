# SPDX-License-Identifier: Apache-2.0
"""Whole networks: cycles, speed-up and traffic of a training step.

    sat networks [--networks resnet9 vgg19] [--config 32x32] [--nm 2:8] [--out build/networks.json]
                 [--trace build/trace.json] [--mhz 142] [--exact]

Writes build/networks.json, and beside it a page with a bar per layer. Speed-up is over the same
network dense, at the same batch. Cycles are estimates, or with --exact those of the cycle model.
Utilization is the multiplies needed over PEs times cycles.
Samples per second are those of the cycles alone, at a clock that a 4x4 array has on an ECP5: no
Vivado has run here, and no larger array was placed and routed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .. import terminal
from ..config import SatConfig
from ..nn import DENSE, SparseWu
from ..options import parse_nm, positive
from . import NETWORKS, PAPER
from .description import Sparsity
from .placement import explain
from .report import nm_name, write_report
from .step import Cost, Step, train
from .trace import write_trace

ARRAYS = ("8x8", "32x32")
MHZ = 142.0  # median of a 4x4 array after routing (docs/results/paper-comparison.md)
SPARSE = ((2, 8), (2, 4), (1, 8), (2, 16))


def steps(names: Sequence[str], configs: Sequence[str], sparse: Sequence[tuple[int, int]],
          batch: int | None, exact: bool = False, wu: SparseWu | None = None,
          ) -> Iterator[tuple[str, Step, Step]]:
    """Array and step of each case, with the dense step of the same network; with `wu` each N:M also
    with such weight gradients."""
    cases = [Sparsity(*nm) for nm in (DENSE, *sparse)]
    if wu:
        cases += [Sparsity(*nm, wu) for nm in sparse]
    for name, config in itertools.product(names, configs):
        dense = None
        for nm in dict.fromkeys(cases):
            step = train(NETWORKS[name](nm), SatConfig.from_name(config), nm, batch, exact)
            dense = dense or step
            yield config, step, dense


def row(config: str, step: Step, dense: Step, mhz: float) -> dict:
    """A case as networks.json has it."""
    return {
        "network": step.network, "array": config, "data_w": step.config.data_w,
        "batch": step.batch, "n": step.nm.n, "m": step.nm.m,
        "wu": step.nm.wu and f"{step.nm.wu.n}:{step.nm.wu.m}", "cycles": round(step.cycles),
        "speedup": round(dense.cycles / step.cycles, 4),
        "utilization": round(step.utilization, 4), "macs": step.macs, "bytes": round(step.bytes),
        "mhz": mhz, "samples_per_second": round(mhz * 1e6 * step.batch / step.cycles, 3),
        "host_bytes": step.host_bytes, "peak_memory_bytes": step.memory_bytes,
        "programs": {name: round(cycles) for name, cycles in step.programs.items()},
        "passes": {name: costs(cost) for name, cost in step.passes().items()},
        "layers": [{"pass": label.split()[0], "layer": label.partition(" ")[2], **costs(cost)}
                   for label, cost in step.labels.items()]}


def costs(cost: Cost) -> dict:
    return {name: round(value) for name, value in vars(cost).items()}


def table(rows: Sequence[dict]) -> Table:
    result = Table("network", "array")
    for column in ("bus", "batch", "N:M", "M cycles", "speed-up", "used", "per s", "GB",
                   "host GB", "memory GB"):
        result.add_column(column, justify="right")
    for case in rows:
        dense = case["n"] == case["m"]
        result.add_row(
            case["network"], case["array"], str(case["data_w"]), str(case["batch"]),
            nm_name(case), f"{case['cycles'] / 1e6:,.1f}",
            "" if dense else f"{case['speedup']:.2f}x", f"{case['utilization']:.1%}",
            f"{case['samples_per_second']:,.1f}",
            *(f"{case[key] / 1e9:.2f}" for key in ("bytes", "host_bytes", "peak_memory_bytes")))
    return result


def means(rows: Sequence[dict]) -> Iterator[str]:
    """Mean speed-up over the networks of the paper, for each array and N:M that has all of them."""
    sparse = [case for case in rows if case["n"] != case["m"] and case["network"] in PAPER]
    for array, name in dict.fromkeys((case["array"], nm_name(case)) for case in sparse):
        found = [case["speedup"] for case in sparse
                 if (case["array"], nm_name(case)) == (array, name)]
        if len(found) == len(PAPER):
            yield (f"{array} at {name}: {sum(found) / len(found):.2f}x on average over the "
                   f"paper's networks, {min(found):.2f}x at least")


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat networks`."""
    parser = argparse.ArgumentParser(prog="sat networks", **options,
                                     description="What a training step of whole networks costs.")
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS),
                        metavar="NAME", help=f"some of {', '.join(NETWORKS)}")
    parser.add_argument("--config", nargs="+", choices=SatConfig.names(), default=list(ARRAYS),
                        metavar="NAME", help=f"arrays, {' and '.join(ARRAYS)} by default")
    parser.add_argument("--nm", nargs="+", type=parse_nm, default=list(SPARSE), metavar="N:M",
                        help="beside dense; 2:8, 2:4, 1:8 and 2:16 by default")
    parser.add_argument("--wu", type=parse_nm, metavar="N:M",
                        help="each N:M also with sparse weight gradients")
    parser.add_argument("--batch", type=positive, help="samples of a step; each network has its "
                                                       "own by default")
    parser.add_argument("--memory", type=positive, metavar="MIB",
                        help="fail for what needs more memory")
    parser.add_argument("--mhz", type=float, default=MHZ, help="clock of the samples per second")
    parser.add_argument("--exact", action="store_true",
                        help="time commands by the cycle model, on all processors: minutes")
    parser.add_argument("--out", type=Path, default=Path("build", "networks.json"))
    parser.add_argument("--trace", type=Path, metavar="FILE",
                        help="timelines of the steps, for Perfetto or chrome://tracing")
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.mhz <= 0:
        parser.error(f"--mhz: {args.mhz:g} is not positive")
    console = Console()
    rows: list[dict] = []
    traced: list[Step] = []
    start = time.monotonic()
    with terminal.status(console, "networks ...") as report:
        for config, step, dense in steps(args.networks, args.config, args.nm, args.batch,
                                         args.exact, args.wu and SparseWu(*args.wu)):
            if args.memory and step.memory_bytes > args.memory << 20:
                parser.exit(1, "sat networks: " + explain(
                    f"{step.network} on {config} at {step.nm}",
                    step.memory_bytes, args.memory << 20, step.largest) + "\n")
            rows.append(row(config, step, dense, args.mhz))
            if args.trace:
                traced.append(step)
            report(f"{step.network} on {config} at {step.nm}")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if args.trace:
        args.trace.parent.mkdir(parents=True, exist_ok=True)
        write_trace(args.trace, traced)
    page = args.out.with_suffix(".html")
    write_report(page, rows)
    terminal.print_table(console, table(rows))
    for line in means(rows):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"{args.out}, {page}; {time.monotonic() - start:.0f} s", highlight=False,
                  soft_wrap=True)
    return 0


if __name__ == "__main__":
    terminal.run(main)
