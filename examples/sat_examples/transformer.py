# SPDX-License-Identifier: Apache-2.0
"""The cycles of each part of a training step of a transformer block, dense against N:M, in RTL.

    sat transformer [--config 8x8] [--nm 2:8] [--wu 2:8] [--dim 128] ...
"""

from __future__ import annotations

import argparse
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sat import terminal
from sat.config import SatConfig
from sat.nn import DENSE, BlockShape, SparseWu
from sat.options import parse_nm, positive, show_nm
from sat.sim.library import build

from .transformer_cycles import cycle_table, measure


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat transformer`."""
    parser = argparse.ArgumentParser(
        prog="sat transformer", description="Cycles of a transformer block's training step.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter, **options)
    parser.add_argument("--nm", type=parse_nm, default="2:8", metavar="N:M",
                        help="sparsity of the linear layers")
    parser.add_argument("--wu", type=parse_nm, metavar="N:M",
                        help="sparsity of the output gradients in WU (dense without)")
    parser.add_argument("--config", choices=SatConfig.names(), default="8x8", help="array")
    for name, default, text in (("batch", 4, "sequences"), ("tokens", 64, "of a sequence"),
                                ("dim", 128, "channels"), ("heads", 4, "of attention"),
                                ("hidden", 512, "channels of the MLP")):
        parser.add_argument(f"--{name}", type=positive, default=default, help=text)
    parser.add_argument("--seed", type=int, default=1, help="of weights and data")
    return parser


def parse_args(argv: list[str] | None = None) -> tuple[argparse.Namespace, BlockShape]:
    parser = make_parser()
    args = parser.parse_args(argv)
    try:
        return args, BlockShape(args.batch, args.tokens, args.dim, args.heads, args.hidden)
    except ValueError as error:
        parser.error(f"--{error}")


def main(argv: list[str] | None = None) -> int:
    args, shape = parse_args(argv)
    config, console = SatConfig.from_name(args.config), Console()
    console.print(f"[bold]transformer block[/]: {shape.batch} sequences of {shape.tokens} tokens, "
                  f"{shape.dim} channels, {shape.heads} heads, MLP {shape.hidden}, {args.config} "
                  f"array, seed {args.seed}", highlight=False)
    with terminal.status(console, "looking for the simulation of the core") as log:
        build(config, log)
    progress = Progress(TextColumn("{task.description}"), BarColumn(bar_width=24),
                        TextColumn("step {task.completed}/{task.total}"), TimeElapsedColumn(),
                        console=console, transient=True)
    measured = []
    with progress:
        task = progress.add_task("", total=4)
        for nm, wu in ((DENSE, None), (args.nm, args.wu)):
            progress.update(task, description=show_nm(nm, wu))
            measured.append(measure(config, shape, nm, args.seed, partial(progress.advance, task),
                                    SparseWu(*wu) if wu else None))
    terminal.print_table(console, cycle_table(config, show_nm(args.nm, args.wu), *measured))
    differing = sum(measurement.differing_bits for measurement in measured)
    console.print(f"{differing} bits differ from the golden model", highlight=False)
    return 1 if differing else 0


if __name__ == "__main__":
    terminal.run(main)
