# SPDX-License-Identifier: Apache-2.0
"""What the demos share: data sets, the training loop with its progress, options, outcomes."""

from __future__ import annotations

import argparse
import contextlib
import gzip
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sat.backend import Backend
from sat.backends import CheckedBackend, GoldenBackend, SimBackend
from sat.config import SatConfig
from sat.nn import Mlp, ResNet, StepResult, TrainingDiverged
from sat.options import parse_nm, positive

from .report import Outcome

TEST_DIGITS = 360
FASHION_FOLDERS = (Path("data", "fashion"), Path("/usr/share/datasets/fashion-mnist"))
FASHION_HELP = """\
Fashion-MNIST is not in the repository. It consists of four files, with or without .gz:
  train-images-idx3-ubyte  train-labels-idx1-ubyte
  t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
On Debian and Ubuntu `apt install dataset-fashion-mnist` brings them; else take them from
https://github.com/zalandoresearch/fashion-mnist. Put them into data/fashion, or name their folder
with --data-dir."""


@dataclass
class Dataset:
    """Images, split once: float16 [n][h][w][channels] in 0..1, or flat; labels 0..classes-1.
    A share of the training images, `moved`, is moved by up to a pixel each time."""

    name: str
    classes: int
    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    moved: float = 0.0

    def flat(self) -> Dataset:
        """With a row [h*w*channels] per image."""
        return replace(self, train_x=self.train_x.reshape(len(self.train_x), -1),
                       test_x=self.test_x.reshape(len(self.test_x), -1))

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple]:
        """One epoch of whole batches, shuffled."""
        order = rng.permutation(len(self.train_x))
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            x = self.train_x[rows]
            yield move(x, self.moved, rng) if self.moved else x, self.train_y[rows]


def move(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A random share of images [n][h][w][channels] moved by up to a pixel in each direction."""
    n, h, w, _ = images.shape
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    offsets = np.where(rng.random((n, 1)) < share, rng.integers(0, 3, (n, 2)), 1)
    y = offsets[:, :1] + np.arange(h)
    x = offsets[:, 1:] + np.arange(w)
    return padded[np.arange(n)[:, None, None], y[:, :, None], x[:, None, :]]


def load_digits(rng: np.random.Generator) -> Dataset:
    """scikit-learn's 1797 handwritten digits, 8x8."""
    from sklearn import datasets  # slow to import, needed here only

    digits = datasets.load_digits()
    pixels = (digits.images / 16).astype(np.float16)[..., None]
    order = rng.permutation(len(pixels))
    test, train = order[:TEST_DIGITS], order[TEST_DIGITS:]
    return Dataset("handwritten digits", 10, pixels[train], digits.target[train], pixels[test],
                   digits.target[test])


def load_fashion(folder: Path | None = None) -> Dataset:
    """Fashion-MNIST, 28x28. FileNotFoundError says how to get it."""
    folders = [folder] if folder else FASHION_FOLDERS
    found = next((place for place in folders if list(place.glob("train-images*"))), None)
    if found is None:
        places = ", ".join(map(str, folders))
        raise FileNotFoundError(f"no Fashion-MNIST in {places}\n{FASHION_HELP}")
    parts = []
    for name in ("train", "t10k"):
        images, labels = (read_idx(found, f"{name}-{kind}-ubyte")
                          for kind in ("images-idx3", "labels-idx1"))
        parts += [(images / 255).astype(np.float16)[..., None], labels.astype(int)]
    train_x, train_y, test_x, test_y = parts
    return Dataset("Fashion-MNIST", 10, train_x, train_y, test_x, test_y)


def read_idx(folder: Path, name: str) -> np.ndarray:
    """An IDX file of bytes, plain or compressed."""
    plain, packed = folder / name, folder / f"{name}.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{name}: is no IDX file of bytes")
    sizes = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sizes)


@dataclass
class History:
    """What was seen while training."""

    losses: list[float] = field(default_factory=list)  # per step
    accuracies: list[float] = field(default_factory=list)  # on the test images, per epoch
    cycles: int = 0


@contextlib.contextmanager
def training_step(number: int) -> Iterator[None]:
    """Around step `number`: a training that diverges ends the demo in a line."""
    try:
        yield
    except TrainingDiverged as problem:
        sys.exit(f"step {number}: training diverged: {problem}")


class Trainer:
    """Trains one network step by step, with live progress. The learning rate falls linearly from
    the first of `rates` to the second over `epochs`. `first` holds further arguments of the very
    first step, which measure it."""

    def __init__(self, net: Mlp | ResNet, data: Dataset, rng: np.random.Generator, epochs: int,
                 rates: tuple[float, float], first: dict[str, Any], console: Console):
        self.net, self.data, self.rng, self.epochs = net, data, rng, epochs
        self.rates, self.first, self.console = rates, first, console
        self.epoch_steps = len(data.train_x) // net.batch
        self.history = History()
        self._batches: Iterator[tuple] = iter(())

    def run(self, steps: int, where: str) -> list[StepResult]:
        """Train for some steps; the accuracy is taken at the end of each epoch."""
        results: list[StepResult] = []
        history = self.history
        progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=8),
            # 80 columns hold all of it, with four digits of steps and a million cycles each.
            TextColumn("{task.completed}/{task.total} loss {task.fields[loss]:.3f} accuracy "
                       "{task.fields[accuracy]:.1%} {task.fields[cycles]:,} cycles"),
            TimeRemainingColumn(), console=self.console, transient=True)
        with progress:
            task = progress.add_task(where, total=steps, loss=float("nan"), accuracy=0.0, cycles=0)
            for _ in range(steps):
                if len(history.losses) % self.epoch_steps == 0:
                    self._begin_epoch()
                options = {} if history.losses else self.first
                with training_step(len(history.losses) + 1):
                    result = self.net.train_step(*next(self._batches), **options)
                results.append(result)
                history.losses.append(result.loss)
                history.cycles += result.cycles
                progress.update(task, advance=1, loss=result.loss,
                                accuracy=result.correct / self.net.batch, cycles=history.cycles)
                if len(history.losses) % self.epoch_steps == 0:
                    self._end_epoch(where)
        return results

    def accuracy(self) -> float:
        """On the test images."""
        return self.net.accuracy(self.data.test_x, self.data.test_y)

    def _begin_epoch(self) -> None:
        done = len(self.history.accuracies) / max(1, self.epochs - 1)
        first, last = self.rates
        self.net.lr = first + (last - first) * done
        self._batches = self.data.batches(self.net.batch, self.rng)

    def _end_epoch(self, where: str) -> None:
        accuracy = self.accuracy()
        self.history.accuracies.append(accuracy)
        self.console.print(f"{where}  epoch {len(self.history.accuracies):2d}  "
                           f"loss {self.history.losses[-1]:.3f}  test accuracy {accuracy:.1%}")


def make_backend(kind: str, config: SatConfig, memory_bytes: int) -> Backend:
    """The golden model, or the RTL checked against it."""
    golden = GoldenBackend(config, memory_size=memory_bytes)
    if kind == "golden":
        return golden
    return CheckedBackend(SimBackend(config, memory_size=memory_bytes), golden)


def count_differences(outcome: Outcome, backend: Backend) -> None:
    if isinstance(backend, CheckedBackend):
        outcome.tensors_compared += backend.tensors_compared
        outcome.differing_bits += backend.differing_bits
        outcome.reports += backend.reports


def leave_rtl(outcome: Outcome, backend: Backend, start: float) -> None:
    """Notes what the RTL did and took since `start`; from here on the golden model runs alone."""
    count_differences(outcome, backend)
    if isinstance(backend, CheckedBackend) and isinstance(backend.device, SimBackend):
        outcome.simulated_cycles = backend.device.cycle
        outcome.rtl_seconds = time.monotonic() - start
        backend.continue_on_reference()


def add_options(parser: argparse.ArgumentParser, out: str) -> None:
    """The options that all demos have."""
    parser.add_argument("--nm", type=parse_nm, default="2:8", metavar="N:M",
                        help="sparsity of the weights")
    parser.add_argument("--config", choices=SatConfig.names(), default="8x8", help="array")
    parser.add_argument("--backend", choices=("sim", "golden"), default="sim",
                        help="sim: RTL, checked against the golden model; golden: that alone")
    parser.add_argument("--batch", type=positive, default=64, help="images of a step")
    parser.add_argument("--seed", type=int, default=1, help="of split, weights and order")
    parser.add_argument("--out", type=Path, default=Path("build", out), help="result folder")
