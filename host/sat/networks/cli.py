# SPDX-License-Identifier: Apache-2.0
"""Whole networks: cycles, speed-up and traffic of a training step.

    sat networks [--networks resnet9 vgg19] [--config 32x32] [--nm 2:8] [--out build/networks.json]
                 [--trace build/trace.json] [--mhz 142] [--exact]
    sat networks --verify [--layers conv4.2] [--profile 20] [--trace build/trace.json]
    sat networks --golden [--profile 20]

Writes build/networks.json, and beside it a page with a bar per layer. Speed-up is over the same
network dense, at the same batch. Cycles are estimates, or with --exact those of the cycle model.
Utilization is the multiplies needed over PEs times cycles.
Samples per second are those of the cycles alone, at a clock that a 4x4 array has on an ECP5: no
Vivado has run here, and no larger array was placed and routed. "4 ch." is how many times as many
four cores do, each with a memory channel of its own and a quarter of the batch; J the energy of a
step, estimated from what it does and published energies (networks.energy).

With --verify the steps run in RTL, a small batch of one network unless others are asked for: every
bit is compared with the golden model, cycles with the cycle model. It writes build/verify.json.
With --profile or --trace each command runs alone. With --golden the golden model runs the steps,
and its processor time is told, in build/golden.json, too.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .. import terminal
from ..config import SatConfig
from ..files import write_text
from ..nn import DENSE, SparseWu
from ..options import parse_nm, positive
from ..plan.place import explain
from . import NETWORKS, PAPER
from .description import Sparsity
from .golden import Spent, golden_profile, on_golden
from .profile import measured_step, profile
from .report import nm_name, write_report
from .step import Cost, Step, train
from .trace import write_trace
from .verify import Verified, verify

ARRAYS = ("8x8", "32x32")
MHZ = 142.0  # median of a 4x4 array after routing (docs/results/paper-comparison.md)
SPARSE = ((2, 8), (2, 4), (1, 8), (2, 16))
SEED = 1
CHANNELS = 4  # of the paper's board
# What is asked for if nothing is said.
TABLE = {"networks": list(NETWORKS), "config": list(ARRAYS), "nm": list(SPARSE),
         "out": Path("build", "networks.json")}
RTL = {"networks": ["resnet9"], "config": ["8x8"], "nm": [(2, 8)], "batch": 2,
       "out": Path("build", "verify.json")}
GOLDEN = {**RTL, "out": Path("build", "golden.json")}


@dataclass(frozen=True)
class Timed:
    """A step on an array, the dense one of the same network, and that of a share of the batch: what
    each of several cores has to do. None where the batch has no such shares."""

    config: str
    step: Step
    dense: Step
    share: Step | None

    def samples_per_second(self, mhz: float) -> float:
        return mhz * 1e6 * self.step.batch / self.step.cycles

    def samples_of_channels(self, mhz: float, parameters: int) -> float | None:
        """Of as many cores as there are channels, each with one, a share of the batch and all
        weights; reading the gradients of the others, in FP32 and as fast as the port takes them,
        is counted, writing to them is not."""
        if self.share is None:
            return None
        foreign = (CHANNELS - 1) * 4 * parameters
        cycles = self.share.cycles + 8 * foreign / self.step.config.data_w
        return mhz * 1e6 * self.step.batch / cycles


def steps(names: Sequence[str], configs: Sequence[str], sparse: Sequence[tuple[int, int]],
          batch: int | None, exact: bool = False, wu: SparseWu | None = None) -> Iterator[Timed]:
    """Each case, dense first."""
    for name, config in itertools.product(names, configs):
        dense = None
        for nm in cases(sparse, wu):
            network, core = NETWORKS[name](nm), SatConfig.from_name(config)
            step = train(network, core, nm, batch, exact)
            dense = dense or step
            part, rest = divmod(step.batch, CHANNELS)
            yield Timed(config, step, dense,
                        None if rest else train(network, core, nm, part, exact))


def cases(sparse: Sequence[tuple[int, int]], wu: SparseWu | None = None) -> list[Sparsity]:
    """Dense and each N:M; with `wu` each also with such weight gradients."""
    sparse = [(n, m) for n, m in sparse if n != m]
    made = [Sparsity(*nm) for nm in (DENSE, *sparse)]
    return list(dict.fromkeys(made + [Sparsity(*nm, wu) for nm in sparse if wu]))


def row(timed: Timed, mhz: float) -> dict:
    """A case as networks.json has it."""
    step, dense = timed.step, timed.dense
    many = timed.samples_of_channels(mhz, NETWORKS[step.network](step.nm).parameters)
    joules = step.energy
    return {
        "network": step.network, "array": timed.config, "data_w": step.config.data_w,
        "batch": step.batch, "n": step.nm.n, "m": step.nm.m,
        "wu": step.nm.wu and f"{step.nm.wu.n}:{step.nm.wu.m}", "cycles": round(step.cycles),
        "speedup": round(dense.cycles / step.cycles, 4),
        "utilization": round(step.utilization, 4), "macs": step.macs, "bytes": round(step.bytes),
        "mhz": mhz, "samples_per_second": round(timed.samples_per_second(mhz), 3),
        f"samples_per_second_{CHANNELS}_channels": many and round(many, 3),
        "host_bytes": step.host_bytes, "peak_memory_bytes": step.memory_bytes,
        "joules": {kind: float(f"{value:.4g}") for kind, value in joules.items()},
        "energy_saved": round(1 - sum(joules.values()) / sum(dense.energy.values()), 4),
        "programs": {name: round(cycles) for name, cycles in step.programs.items()},
        "passes": {name: costs(cost) for name, cost in step.passes().items()},
        "layers": [{"pass": label.split()[0], "layer": label.partition(" ")[2], **costs(cost)}
                   for label, cost in step.labels.items()]}


def costs(cost: Cost) -> dict:
    return {name: round(value) for name, value in vars(cost).items()}


def table(rows: Sequence[dict]) -> Table:
    result = Table("network", "array")
    for column in ("bus", "batch", "N:M", "M cycles", "speed-up", "used", "per s",
                   f"{CHANNELS} ch.", "J", "GB", "host GB", "memory GB"):
        result.add_column(column, justify="right")
    for case in rows:
        dense = case["n"] == case["m"]
        result.add_row(
            case["network"], case["array"], str(case["data_w"]), str(case["batch"]),
            nm_name(case), f"{case['cycles'] / 1e6:,.1f}",
            "" if dense else f"{case['speedup']:.2f}x", f"{case['utilization']:.1%}",
            f"{case['samples_per_second']:,.1f}", times(case),
            f"{sum(case['joules'].values()):.3f}",
            *(f"{case[key] / 1e9:.2f}" for key in ("bytes", "host_bytes", "peak_memory_bytes")))
    return result


def times(case: dict) -> str:
    """Samples per second of several channels over those of one."""
    many = case[f"samples_per_second_{CHANNELS}_channels"]
    return f"{many / case['samples_per_second']:.2f}x" if many else ""


def means(rows: Sequence[dict]) -> Iterator[str]:
    """Mean speed-up over the networks of the paper, for each array and N:M that has all of them."""
    sparse = [case for case in rows if case["n"] != case["m"] and case["network"] in PAPER]
    for array, name in dict.fromkeys((case["array"], nm_name(case)) for case in sparse):
        found = [case["speedup"] for case in sparse
                 if (case["array"], nm_name(case)) == (array, name)]
        if len(found) == len(PAPER):
            yield (f"{array} at {name}: {sum(found) / len(found):.2f}x on average over the "
                   f"paper's networks, {min(found):.2f}x at least")


def verified(args: argparse.Namespace, console: Console) -> int:
    """Runs what is asked for in RTL; 1 if a bit differs, or cycles by more than the tolerance."""
    rows: list[dict] = []
    steps_made: list[Step] = []
    wrong = False
    wu = args.wu and SparseWu(*args.wu)
    alone = bool(args.profile or args.trace)
    shown = Table("network", "array")
    for column in ("batch", "N:M", "programs", "cycles", "model", "speed-up", "counters off",
                   "tensors", "bits off", "kHz"):
        shown.add_column(column, justify="right")
    for name, config in itertools.product(args.networks, args.config):
        dense = None
        for nm in cases(args.nm, wu):
            text = f"{name} on {config} at {nm}"
            with terminal.status(console, f"{text}, seed {args.seed}:") as report:
                network, core = NETWORKS[name](nm), SatConfig.from_name(config)
                made = verify(network, core, args.batch, args.seed, args.layers, report, alone)
            if alone:
                steps_made.append(measured_step(network, core, args.batch, nm, made))
            dense = dense or made
            rows.append(verified_row(args, name, config, nm, made, dense))
            shown.add_row(name, config, str(args.batch), str(nm), str(len(made.programs)),
                          f"{made.cycles:,}", f"{made.modelled:,}",
                          "" if made is dense else f"{dense.cycles / made.cycles:.2f}x",
                          str(made.differences), str(made.tensors), str(made.differing_bits),
                          f"{made.cycles / made.seconds / 1e3:.0f}")
            for line in made.reports:
                console.print(f"{text}: {line}", highlight=False, soft_wrap=True)
            write_text(args.out, json.dumps(rows, indent=1) + "\n")
            wrong |= not made.holds
    show_steps(args, console, steps_made, " in RTL, each command alone")
    terminal.print_table(console, shown)
    console.print(str(args.out), highlight=False, soft_wrap=True)
    return int(wrong)


def verified_row(args: argparse.Namespace, network: str, config: str, nm: Sparsity, made: Verified,
                 dense: Verified) -> dict:
    """A case as verify.json has it; `counters_off` is what the model has more."""
    return {"network": network, "array": config, "batch": args.batch, "n": nm.n, "m": nm.m,
            "wu": nm.wu and f"{nm.wu.n}:{nm.wu.m}", "layers": args.layers, "seed": args.seed,
            "cycles": made.cycles, "model_cycles": made.modelled,
            "speedup": round(dense.cycles / made.cycles, 4), "tensors": made.tensors,
            "differing_bits": made.differing_bits, "seconds": round(made.seconds, 1),
            "programs": [{"name": one.name, "labels": one.labels, **one.counters,
                          "counters_off": one.differences} for one in made.programs]}


def show_steps(args: argparse.Namespace, console: Console, made: Sequence[Step], note: str = ""
               ) -> None:
    """The trace and the profiles that are asked for."""
    if args.trace:
        args.trace.parent.mkdir(parents=True, exist_ok=True)
        write_trace(args.trace, made)
    for step in made if args.profile else ():
        terminal.print_table(console, profile(step, args.profile, note))


def on_the_golden_model(args: argparse.Namespace, console: Console) -> int:
    rows: list[dict] = []
    for name, config in itertools.product(args.networks, args.config):
        for nm in cases(args.nm, args.wu and SparseWu(*args.wu)):
            title = f"{name} on {config} at {nm}"
            with terminal.status(console, f"{title}, seed {args.seed}:") as report:
                spent = on_golden(NETWORKS[name](nm), SatConfig.from_name(config), args.batch,
                                  args.seed, report)
            rows.append(golden_row(args, name, config, nm, spent))
            terminal.print_table(console, golden_profile(title, spent, args.profile or len(spent)))
            write_text(args.out, json.dumps(rows, indent=1) + "\n")
    console.print(str(args.out), highlight=False, soft_wrap=True)
    return 0


def golden_row(args: argparse.Namespace, network: str, config: str, nm: Sparsity,
               spent: dict[str, Spent]) -> dict:
    """A case as golden.json has it."""
    total = sum(one.seconds for one in spent.values())
    return {"network": network, "array": config, "batch": args.batch, "n": nm.n, "m": nm.m,
            "wu": nm.wu and f"{nm.wu.n}:{nm.wu.m}", "seed": args.seed, "seconds": round(total, 3),
            "layers": [{"pass": label.split()[0], "layer": label.partition(" ")[2],
                        "seconds": round(one.seconds, 4), "share": round(one.seconds / total, 4),
                        "macs": one.macs}
                       for label, one in sorted(spent.items(), key=lambda item: -item[1].seconds)]}


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat networks`."""
    parser = argparse.ArgumentParser(prog="sat networks", **options,
                                     description="What a training step of whole networks costs.")
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), metavar="NAME",
                        help=f"some of {', '.join(NETWORKS)}")
    parser.add_argument("--config", nargs="+", choices=SatConfig.names(), metavar="NAME",
                        help=f"arrays, {' and '.join(ARRAYS)} by default")
    parser.add_argument("--nm", nargs="+", type=parse_nm, metavar="N:M",
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
    parser.add_argument("--out", type=Path, help=f"{TABLE['out']} by default")
    parser.add_argument("--trace", type=Path, metavar="FILE",
                        help="timelines of the steps, for Perfetto or chrome://tracing")
    parser.add_argument("--profile", type=positive, metavar="ROWS",
                        help="of each step the passes of layers that take most time")
    parser.add_argument("--verify", action="store_true",
                        help="run the steps in RTL, and compare bits and cycles; by default "
                             "resnet9 on 8x8, dense and at 2:8, batch 2: minutes")
    parser.add_argument("--golden", action="store_true",
                        help="run the steps on the golden model, and tell its processor time; what "
                             "is not asked for as with --verify")
    parser.add_argument("--layers", nargs="+", default=[], metavar="LAYER",
                        help="with --verify: run these layers in RTL, the rest on the golden model")
    parser.add_argument("--seed", type=int, default=SEED,
                        help="of the random numbers of --verify and --golden")
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.mhz <= 0:
        parser.error(f"--mhz: {args.mhz:g} is not positive")
    if args.out and args.out.suffix == ".html":
        parser.error("--out: names the JSON file; the page lies beside it, with .html")
    if args.verify and (args.exact or args.memory):
        parser.error("--verify: runs RTL, without --exact and --memory")
    if args.golden and (args.verify or args.exact or args.memory or args.trace):
        parser.error("--golden: knows no cycles, so is without --verify, --exact, --memory and "
                     "--trace")
    if args.layers and not args.verify:
        parser.error("--layers: is of --verify")
    for name, value in (RTL if args.verify else GOLDEN if args.golden else TABLE).items():
        setattr(args, name, getattr(args, name) or value)
    console = Console()
    if args.verify:
        return verified(args, console)
    if args.golden:
        return on_the_golden_model(args, console)
    rows: list[dict] = []
    made: list[Step] = []
    start = time.monotonic()
    with terminal.status(console, "networks ...") as report:
        for timed in steps(args.networks, args.config, args.nm, args.batch, args.exact,
                           args.wu and SparseWu(*args.wu)):
            step, config = timed.step, timed.config
            if args.memory and step.memory_bytes > args.memory << 20:
                parser.exit(1, "sat networks: " + explain(
                    f"{step.network} on {config} at {step.nm}",
                    step.memory_bytes, args.memory << 20, step.largest) + "\n")
            rows.append(row(timed, args.mhz))
            if args.trace or args.profile:
                made.append(step)
            report(f"{step.network} on {config} at {step.nm}")
    write_text(args.out, json.dumps(rows, indent=1) + "\n")
    page = args.out.with_suffix(".html")
    write_report(page, rows)
    show_steps(args, console, made)
    terminal.print_table(console, table(rows))
    for line in means(rows):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(f"{args.out}, {page}; {time.monotonic() - start:.0f} s", highlight=False,
                  soft_wrap=True)
    return 0


if __name__ == "__main__":
    terminal.run(main)
