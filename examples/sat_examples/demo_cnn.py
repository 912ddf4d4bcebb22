# SPDX-License-Identifier: Apache-2.0
"""The convolutional demo: a residual network trains inside the simulated core, checked bit for bit.

    sat demo-cnn [--data digits] [--nm 2:8] [--wu 2:8] [--rtl-steps 12] [--epochs 16] ...

A network of a 3x3 stem, three stages of 16, 32 and 64 channels and a linear layer, with batch
normalisation, is trained with BDWP: all convolutions are N:M but the stem, which is dense like the
last layer. With --wu their weight gradients are N:M, too. The first steps run in RTL and on the
golden command model, both memories compared after every program; training then continues on the
golden model alone, which has the same bits.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from sat import terminal
from sat.backend import Backend
from sat.config import SatConfig
from sat.core import Core
from sat.nn import DENSE, LossScale, Measure, ResNet, SparseWu
from sat.options import parse_nm, positive
from sat.sim.library import build

from .report import STEP, Outcome, write_results
from .training import (
    Dataset,
    Trainer,
    add_options,
    count_differences,
    leave_rtl,
    load_digits,
    load_fashion,
    make_backend,
    training_step,
)

CHANNELS = (16, 32, 64)
RATES, MOMENTUM = (0.1, 0.002), 0.9  # learning rate of the first and the last epoch
DECAY = 1e-3  # of the weights
LOSS_SCALE = 2.0**14
MOVED = 0.5  # share of the training images that are moved by a pixel
PASSES = ("FF", "BP", "WU", "UPDATE", "NORM")
DEFAULTS = {"digits": (12, 16), "fashion": (2, 2)}  # steps in RTL, epochs
BYTES_PER_PIXEL = 1152  # of the image, in all maps; a row of a map has at least 64 bytes
PARAMETER_BYTES = 2 << 20


def memory_bytes(data: Dataset, batch: int) -> int:
    """A memory window that fits the network, in whole MiB."""
    pixels = batch * data.train_x.shape[1] * data.train_x.shape[2]
    return -(-(pixels * BYTES_PER_PIXEL + PARAMETER_BYTES) >> 20) << 20


def make_net(backend: Backend, data: Dataset, nm: tuple[int, int], batch: int,
             seed: int, wu: tuple[int, int] | None = None) -> ResNet:
    h, w, inputs = data.train_x.shape[1:]
    return ResNet(Core(backend), batch, h, w, inputs, data.classes, nm,
                  np.random.default_rng(seed), CHANNELS, lr=RATES[0], momentum=MOMENTUM,
                  decay=DECAY, scale=LossScale(LOSS_SCALE), wu=SparseWu(*wu) if wu else None)


def by_pass(labels: dict[str, int]) -> Counter:
    """Sums over layers, by the pass that the label starts with."""
    sums = Counter({name: 0 for name in PASSES})
    for label, value in labels.items():
        sums[label.split()[0]] += value
    return sums


def measure_dense(args: argparse.Namespace, data: Dataset, outcome: Outcome) -> None:
    """The same step with every layer dense, on the same core: command by command, and whole."""
    with make_backend(args.backend, outcome.config, memory_bytes(data, args.batch)) as backend:
        net = make_net(backend, data, DENSE, args.batch, args.seed)
        x, y = next(data.batches(args.batch, np.random.default_rng(args.seed)))
        measures: dict[str, Measure] = {}
        with training_step(1):
            net.train_step(x, y, measures)
        with training_step(2):
            whole = net.train_step(x, y)
        outcome.layers.dense = {label: part.cycles for label, part in measures.items()}
        outcome.passes.dense = {**by_pass(outcome.layers.dense), STEP: whole.cycles}
        count_differences(outcome, backend)


def run(args: argparse.Namespace, data: Dataset, rng: np.random.Generator,
        console: Console) -> Outcome:
    """The whole demo."""
    start = time.monotonic()
    config = SatConfig.from_name(args.config)
    outcome = Outcome(config, args.nm, args.batch, args.seed, data.name, wu=args.wu)
    in_rtl = args.backend == "sim"
    if in_rtl:
        with terminal.status(console, "looking for the simulation of the core") as log:
            build(config, log)
    measures: dict[str, Measure] = {}
    with make_backend(args.backend, config, memory_bytes(data, args.batch)) as backend:
        net = make_net(backend, data, args.nm, args.batch, args.seed, args.wu)
        trainer = Trainer(net, data, rng, args.epochs, RATES, {"measures": measures}, console)
        total = args.epochs * trainer.epoch_steps
        if in_rtl:
            steps = trainer.run(min(args.rtl_steps, total), "RTL   ")
            outcome.layers.sparse = {label: part.cycles for label, part in measures.items()}
            outcome.layers.macs = {label: part.macs for label, part in measures.items()}
            outcome.passes.sparse = {**by_pass(outcome.layers.sparse), STEP: steps[-1].cycles}
            outcome.passes.macs = {**by_pass(outcome.layers.macs), STEP: net.macs}
            outcome.steps_rtl = len(steps)
            leave_rtl(outcome, backend, start)
            outcome.rtl_accuracy = trainer.accuracy()
        trainer.run(total - outcome.steps_rtl, "golden")
        outcome.peak_bytes = net.peak_bytes
        outcome.unshared_bytes = net.temporaries.unshared_bytes
    if in_rtl:
        with terminal.status(console, "measuring the same step dense on the same core"):
            measure_dense(args, data, outcome)
    outcome.losses, outcome.accuracies = trainer.history.losses, trainer.history.accuracies
    outcome.epoch_steps = trainer.epoch_steps
    outcome.seconds = time.monotonic() - start
    return outcome


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat demo-cnn`."""
    parser = argparse.ArgumentParser(
        prog="sat demo-cnn", description="Train a residual network inside the SAT core.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter, **options)
    add_options(parser, "demo-cnn")
    parser.add_argument("--data", choices=tuple(DEFAULTS), default="digits", help="data set")
    parser.add_argument("--wu", type=parse_nm, metavar="N:M",
                        help="sparsity of the output gradients in WU, a sample (dense without)")
    unset = argparse.SUPPRESS  # the default depends on the data
    parser.add_argument("--data-dir", type=Path, default=unset,
                        help="folder of Fashion-MNIST's files")
    parser.add_argument("--rtl-steps", type=positive, metavar="STEPS", default=unset,
                        help="steps in RTL, at least 2 (default: 12, with fashion 2)")
    parser.add_argument("--epochs", type=positive, default=unset,
                        help="epochs altogether (default: 16, with fashion 2)")
    return parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser()
    args = parser.parse_args(argv, argparse.Namespace(data_dir=None, rtl_steps=None, epochs=None))
    steps, epochs = DEFAULTS[args.data]
    args.rtl_steps, args.epochs = args.rtl_steps or steps, args.epochs or epochs
    if args.rtl_steps < 2:
        parser.error("--rtl-steps: one step is measured command by command, so there must be 2")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    console = Console()
    rng = np.random.default_rng(args.seed)
    try:
        data = load_digits(rng) if args.data == "digits" else load_fashion(args.data_dir)
        data = replace(data, moved=MOVED)
    except FileNotFoundError as error:
        console.print(str(error), highlight=False, soft_wrap=True)
        return 2
    if args.batch > len(data.train_x):
        console.print(f"--batch: more than the {len(data.train_x)} training images")
        return 2
    steps = args.epochs * (len(data.train_x) // args.batch)
    where = f"{min(args.rtl_steps, steps)} steps in RTL" if args.backend == "sim" else "no RTL"
    console.print(f"[bold]SAT demo[/]: residual network {'-'.join(map(str, CHANNELS))} on "
                  f"{data.name}, {args.nm[0]}:{args.nm[1]} BDWP, {args.config} array, batch "
                  f"{args.batch}, seed {args.seed}; {where}")
    outcome = run(args, data, rng, console)
    write_results(outcome, console, args.out)
    return 1 if outcome.differing_bits else 0


if __name__ == "__main__":
    terminal.run(main)
