# SPDX-License-Identifier: Apache-2.0
"""The demo: a network learns handwritten digits inside the simulated core, checked bit for bit.

    sat demo [--nm 2:8] [--config 8x8] [--epochs 3] [--golden-epochs 17] [--seed 1] ...

An MLP 64-128-64-10 is trained on scikit-learn's 1797 digits with BDWP. The first and the hidden
layer are N:M; the last, with ten outputs only, is dense. Every program runs in RTL and on the
golden command model, and both memories are compared; after the RTL epochs training continues on
the golden model alone, which has the same bits.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from rich.console import Console

from sat import terminal
from sat.backend import Backend
from sat.config import SatConfig
from sat.core import Core
from sat.nn import LayerSpec, Mlp, StepResult, mlp
from sat.options import positive
from sat.sim.library import build

from .report import STEP, Outcome, write_results
from .training import (
    TEST_DIGITS,
    Dataset,
    Trainer,
    add_options,
    count_differences,
    leave_rtl,
    load_digits,
    make_backend,
    training_step,
)

SIZES = (64, 128, 64, 10)
TRAINING_DIGITS = 1797 - TEST_DIGITS
MEMORY_BYTES = 8 << 20
RATES, MOMENTUM = (0.1, 0.02), 0.9  # learning rate of the first and the last epoch


def make_net(backend: Backend, specs: list[LayerSpec], batch: int, seed: int) -> Mlp:
    return Mlp(Core(backend), specs, batch, np.random.default_rng(seed), lr=RATES[0],
               momentum=MOMENTUM)


def measure_dense(args: argparse.Namespace, digits: Dataset, outcome: Outcome) -> None:
    """The same step with every layer dense, on the same core: two steps, as passes and whole."""
    with make_backend(args.backend, outcome.config, MEMORY_BYTES) as backend:
        net = make_net(backend, mlp(SIZES), args.batch, args.seed)
        x, y = next(digits.batches(args.batch, np.random.default_rng(args.seed)))
        with training_step(1):
            passes = net.train_step(x, y, split=True)
        with training_step(2):
            whole = net.train_step(x, y)
        outcome.passes.dense = pass_cycles(passes, whole)
        count_differences(outcome, backend)


def pass_cycles(passes: StepResult, whole: StepResult) -> dict[str, int]:
    """Cycles of each pass alone, and of a step in which they overlap."""
    return {**{name: result.cycles for name, result in passes.programs.items()},
            STEP: whole.cycles}


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """The whole demo."""
    start = time.monotonic()
    config = SatConfig.from_name(args.config)
    rng = np.random.default_rng(args.seed)
    digits = load_digits(rng).flat()
    outcome = Outcome(config, args.nm, args.batch, args.seed, digits.name)
    in_rtl = args.backend == "sim"
    if in_rtl:
        with terminal.status(console, "looking for the simulation of the core") as log:
            build(config, log)
    specs = mlp(SIZES, args.nm)
    if args.dense_first:
        specs[0] = LayerSpec(specs[0].inputs, specs[0].outputs)
    with make_backend(args.backend, config, MEMORY_BYTES) as backend:
        net = make_net(backend, specs, args.batch, args.seed)
        trainer = Trainer(net, digits, rng, args.epochs + args.golden_epochs, RATES,
                          {"split": True}, console)
        steps = trainer.run(args.epochs * trainer.epoch_steps, "RTL   " if in_rtl else "golden")
        if in_rtl:
            outcome.steps_rtl = len(steps)
            outcome.rtl_accuracy = trainer.history.accuracies[-1]
            outcome.passes.sparse = pass_cycles(steps[0], steps[-1])
            outcome.passes.macs = {**net.pass_macs(), STEP: net.macs}
            leave_rtl(outcome, backend, start)
        trainer.run(args.golden_epochs * trainer.epoch_steps, "golden")
        outcome.peak_bytes = outcome.unshared_bytes = net.peak_bytes
    if in_rtl:
        with terminal.status(console, "measuring the same step dense on the same core"):
            measure_dense(args, digits, outcome)
    outcome.losses, outcome.accuracies = trainer.history.losses, trainer.history.accuracies
    outcome.epoch_steps = trainer.epoch_steps
    outcome.seconds = time.monotonic() - start
    return outcome


def make_parser(**options) -> argparse.ArgumentParser:
    """Those of `sat demo`."""
    parser = argparse.ArgumentParser(
        prog="sat demo", description="Train an MLP on handwritten digits inside the SAT core.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter, **options)
    add_options(parser, "demo")
    parser.add_argument("--epochs", type=positive, default=3, help="epochs in RTL")
    parser.add_argument("--golden-epochs", type=int, default=17,
                        help="epochs that follow on the golden model alone")
    parser.add_argument("--dense-first", action="store_true", help="leave the first layer dense")
    return parser


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.batch > TRAINING_DIGITS:
        parser.error(f"--batch: more than the {TRAINING_DIGITS} training images")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    console = Console()
    console.print(f"[bold]SAT demo[/]: MLP {'-'.join(map(str, SIZES))} on 1797 handwritten digits, "
                  f"{args.nm[0]}:{args.nm[1]} BDWP, {args.config} array, batch {args.batch}, "
                  f"seed {args.seed}")
    outcome = run(args, console)
    write_results(outcome, console, args.out)
    return 1 if outcome.differing_bits else 0


if __name__ == "__main__":
    terminal.run(main)
