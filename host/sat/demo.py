# SPDX-License-Identifier: Apache-2.0
"""The demo: a network learns handwritten digits inside the simulated core, checked bit for bit.

    python -m sat.demo [--nm 2:8] [--config 8x8] [--epochs 3] [--golden-epochs 17] [--seed 1] ...

An MLP 64-128-64-10 is trained on scikit-learn's 1797 digits with BDWP. The first and the hidden
layer are N:M; the last, with ten outputs only, is dense. Every program runs in RTL and on the
golden command model, and both memories are compared; after the RTL epochs training continues on
the golden model alone, which has the same bits.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sat_golden.compress import check_nm

from .backend import Backend
from .backends import CheckedBackend, GoldenBackend, SimBackend
from .build_sim import ROOT, build
from .config import SatConfig
from .core import Core
from .nn import LayerSpec, Mlp, StepResult, mlp
from .report import Outcome, plot_cycles, plot_training, print_outcome, write_summary

SIZES = (64, 128, 64, 10)
TEST_IMAGES = 360
MEMORY_BYTES = 8 << 20
LEARNING_RATE, FINAL_RATE, MOMENTUM = 0.1, 0.02, 0.9


@dataclass
class Digits:
    """The data set, split once: pixels as float16 in 0..1, labels 0..9."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray

    @classmethod
    def load(cls, rng: np.random.Generator) -> "Digits":
        from sklearn.datasets import load_digits  # slow to import, needed here only

        digits = load_digits()
        pixels = (digits.data / 16).astype(np.float16)
        order = rng.permutation(len(pixels))
        test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
        return cls(pixels[train], digits.target[train], pixels[test], digits.target[test])

    def batches(self, size: int, rng: np.random.Generator):
        """One epoch of whole batches, shuffled."""
        order = rng.permutation(len(self.train_x))
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            yield self.train_x[rows], self.train_y[rows]


@dataclass
class History:
    """What was seen while training."""

    losses: list[float] = field(default_factory=list)  # per step
    accuracies: list[float] = field(default_factory=list)  # on the test images, per epoch
    cycles: int = 0


class Trainer:
    """Trains one network epoch by epoch, with live progress."""

    def __init__(self, net: Mlp, digits: Digits, rng: np.random.Generator, epochs: int,
                 console: Console):
        self.net, self.digits, self.rng, self.epochs = net, digits, rng, epochs
        self.console = console
        self.history = History()

    def run(self, epochs: int, where: str) -> list[StepResult]:
        """Train for some epochs. The very first step runs pass by pass, to measure each."""
        results = []
        steps = epochs * (len(self.digits.train_x) // self.net.batch)
        progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24),
            TextColumn("step {task.completed}/{task.total}  loss {task.fields[loss]:.3f}  accuracy "
                       "{task.fields[accuracy]:.1%}  {task.fields[cycles]:,} cycles  time left"),
            TimeRemainingColumn(), console=self.console, transient=True)
        with progress:
            task = progress.add_task(where, total=steps, loss=float("nan"), accuracy=0.0, cycles=0)
            for _ in range(epochs):
                self.net.lr = self._learning_rate()
                for x, y in self.digits.batches(self.net.batch, self.rng):
                    result = self.net.train_step(x, y, split=not self.history.losses)
                    results.append(result)
                    self.history.losses.append(result.loss)
                    self.history.cycles += result.cycles
                    progress.update(task, advance=1, loss=result.loss,
                                    accuracy=result.correct / self.net.batch,
                                    cycles=self.history.cycles)
                self._end_epoch(where)
        return results

    def _learning_rate(self) -> float:
        """Falls linearly over all epochs."""
        done = len(self.history.accuracies) / max(1, self.epochs - 1)
        return LEARNING_RATE + (FINAL_RATE - LEARNING_RATE) * done

    def _end_epoch(self, where: str) -> None:
        accuracy = self.net.accuracy(self.digits.test_x, self.digits.test_y)
        self.history.accuracies.append(accuracy)
        self.console.print(f"{where}  epoch {len(self.history.accuracies):2d}  "
                           f"loss {self.history.losses[-1]:.3f}  test accuracy {accuracy:.1%}")


def make_backend(kind: str, config: SatConfig) -> Backend:
    """The golden model, or the RTL checked against it."""
    golden = GoldenBackend(config, memory_size=MEMORY_BYTES)
    if kind == "golden":
        return golden
    return CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES), golden)


def make_net(backend: Backend, specs: list[LayerSpec], batch: int, seed: int) -> Mlp:
    return Mlp(Core(backend), specs, batch, np.random.default_rng(seed), lr=LEARNING_RATE,
               momentum=MOMENTUM)


def measure_dense(args: argparse.Namespace, digits: Digits, outcome: Outcome) -> None:
    """The same step with every layer dense, on the same core: two steps, as passes and whole."""
    with make_backend(args.backend, SatConfig.from_name(args.config)) as backend:
        net = make_net(backend, mlp(SIZES), args.batch, args.seed)
        x, y = next(digits.batches(args.batch, np.random.default_rng(args.seed)))
        passes, whole = (net.train_step(x, y, split=split) for split in (True, False))
        outcome.dense_cycles = pass_cycles(passes, whole)
        count_differences(outcome, backend)


def pass_cycles(passes: StepResult, whole: StepResult) -> dict[str, int]:
    """Cycles of each pass alone, and of a step in which they overlap."""
    return {**{name: result.cycles for name, result in passes.programs.items()},
            "step": whole.cycles}


def count_differences(outcome: Outcome, backend: Backend) -> None:
    if isinstance(backend, CheckedBackend):
        outcome.tensors_compared += backend.tensors_compared
        outcome.differing_bits += backend.differing_bits
        outcome.reports += backend.reports


def run(args: argparse.Namespace, console: Console) -> Outcome:
    """The whole demo."""
    start = time.monotonic()
    config = SatConfig.from_name(args.config)
    outcome = Outcome(config, args.nm, args.batch, args.seed)
    in_rtl = args.backend == "sim"
    if in_rtl:
        with console.status("compiling the core into a simulation (once, then cached) ..."):
            build(config, log=console.print)
    backend = make_backend(args.backend, config)
    specs = mlp(SIZES, args.nm)
    if args.dense_first:
        specs[0] = LayerSpec(specs[0].inputs, specs[0].outputs)
    rng = np.random.default_rng(args.seed)
    digits = Digits.load(rng)
    with backend:
        net = make_net(backend, specs, args.batch, args.seed)
        trainer = Trainer(net, digits, rng, args.epochs + args.golden_epochs, console)
        steps = trainer.run(args.epochs, "RTL   " if in_rtl else "golden")
        if in_rtl:
            outcome.steps_rtl = len(steps)
            outcome.rtl_accuracy = trainer.history.accuracies[-1]
            outcome.cycles = pass_cycles(steps[0], steps[-1])
            outcome.macs = {**net.pass_macs(), "step": net.macs}
            outcome.simulated_cycles = backend.device.cycle
            count_differences(outcome, backend)
            outcome.rtl_seconds = time.monotonic() - start
            backend.continue_on_reference()
        if args.golden_epochs:
            trainer.run(args.golden_epochs, "golden")
    if in_rtl:
        with console.status("measuring the same step dense on the same core ..."):
            measure_dense(args, digits, outcome)
    outcome.losses, outcome.accuracies = trainer.history.losses, trainer.history.accuracies
    outcome.seconds = time.monotonic() - start
    return outcome


def parse_nm(text: str) -> tuple[int, int]:
    try:
        n, m = (int(part) for part in text.split(":"))
        check_nm(n, m)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no legal N:M ({error})") from None
    return n, m


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sat.demo", description="Train an MLP on handwritten digits inside the SAT core.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--nm", type=parse_nm, default="2:8", metavar="N:M",
                        help="sparsity of the weights")
    parser.add_argument("--config", choices=SatConfig.names(), default="8x8", help="array")
    parser.add_argument("--backend", choices=("sim", "golden"), default="sim",
                        help="sim: RTL, checked against the golden model; golden: that alone")
    parser.add_argument("--epochs", type=positive, default=3, help="epochs in RTL")
    parser.add_argument("--golden-epochs", type=int, default=17,
                        help="epochs that follow on the golden model alone")
    parser.add_argument("--batch", type=positive, default=64, help="images of a step")
    parser.add_argument("--seed", type=int, default=1, help="of split, weights and order")
    parser.add_argument("--dense-first", action="store_true", help="leave the first layer dense")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "demo", help="result folder")
    args = parser.parse_args(argv)
    if not 1 <= args.batch <= 1797 - TEST_IMAGES:
        parser.error(f"--batch: more than the {1797 - TEST_IMAGES} training images")
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    console = Console()
    console.print(f"[bold]SAT demo[/]: MLP {'-'.join(map(str, SIZES))} on 1797 handwritten digits, "
                  f"{args.nm[0]}:{args.nm[1]} BDWP, {args.config} array, batch {args.batch}, "
                  f"seed {args.seed}")
    outcome = run(args, console)
    args.out.mkdir(parents=True, exist_ok=True)
    write_summary(outcome, args.out / "summary.json")
    plot_training(outcome, args.out / "training.png")
    if outcome.cycles:
        plot_cycles(outcome, args.out / "cycles.png")
    print_outcome(outcome, console, args.out)
    return 1 if outcome.differing_bits else 0


if __name__ == "__main__":
    sys.exit(main())
