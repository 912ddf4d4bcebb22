# SPDX-License-Identifier: Apache-2.0
"""The process of one training: reads it as a line of JSON, prints its result as one.

    python -m sat_lab.train < task.json

It ends with the process that started it: when its standard input is closed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from sat import worker
from sat.options import parse_nm
from sat.torch import SparseLayer
from sat_examples.training import Dataset

from .data import DATA, MOVED, TEXT
from .experiment import Experiment, Setting
from .methods import METHODS
from .networks import NETWORKS

BATCH = 64
TEST_BATCH = 256


@dataclass(frozen=True)
class Curves:
    """After each epoch: mean training loss, and accuracy on the test data in percent."""

    losses: list[float]
    accuracies: list[float]


def model_of(setting: Setting, data: Dataset) -> nn.Module:
    recipe = NETWORKS[setting.network]
    shape = data.train_x.shape[1:]
    if not recipe.text:
        shape = (shape[2], *shape[:2])
    model = recipe.make(shape, data.classes)
    made = METHODS[setting.method]
    nm = recipe.nm(setting.n, setting.m)
    return made(model, nm, wu=recipe.nm(*parse_nm(setting.wu))) if setting.wu else made(model, nm)


def tensors(x: np.ndarray, y: np.ndarray, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """As the networks take them: images with the channels first (but not in memory), bytes as
    integers."""
    made = torch.from_numpy(x).to(device)
    made = made.permute(0, 3, 1, 2).float() if x.ndim == 4 else made.long()
    return made, torch.from_numpy(y).to(device).long()


def train(experiment: Experiment, folder: Path | None = None) -> Curves:
    """The seed determines initial weights, order and moves of the images."""
    setting = experiment.setting
    data = replace(DATA[setting.data](folder), moved=0.0 if setting.data == TEXT else MOVED)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(experiment.seed)
    rng = np.random.default_rng(experiment.seed)
    # Convolutions of channels-last images are a quarter faster on a CPU.
    model = model_of(setting, data).to(device, memory_format=torch.channels_last)
    recipe = NETWORKS[setting.network]
    optimizer = recipe.optimizer(model.parameters())
    steps = setting.epochs * (len(data.train_x) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    curves = Curves([], [])
    for epoch in range(setting.epochs):
        if epoch == setting.sparse_epochs:
            dense_wu(model)
        losses = []
        model.train()
        for images, labels in data.batches(BATCH, rng):
            x, y = tensors(images, labels, device)
            with torch.autocast(device, torch.bfloat16, enabled=recipe.bfloat16):
                logits = model(x)
            loss = functional.cross_entropy(logits.float().flatten(0, -2), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        curves.losses.append(torch.stack(losses).mean().item())
        curves.accuracies.append(accuracy(model.eval(), data, device))
    return curves


def dense_wu(model: nn.Module) -> None:
    """From here on all of dY makes the gradients of the weights."""
    for layer in model.modules():
        if isinstance(layer, SparseLayer):
            layer.wu = None


@torch.no_grad()
def accuracy(model: nn.Module, data: Dataset, device: str) -> float:
    """Percent of the test labels."""
    right = 0
    for x, y in test_batches(data, device):
        right += int((model(x).argmax(-1) == y).sum())
    return 100 * right / data.test_y.size


def test_batches(data: Dataset, device: str) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for first in range(0, len(data.test_x), TEST_BATCH):
        rows = slice(first, first + TEST_BATCH)
        yield tensors(data.test_x[rows], data.test_y[rows], device)


def run(task: dict[str, Any]) -> dict[str, Any]:
    """{experiment, folder} -> {losses, accuracies, seconds}"""
    setting, seed = task["setting"], task["seed"]
    start = time.monotonic()
    folder = Path(task["folder"]) if task["folder"] else None
    curves = train(Experiment(Setting(**setting), seed), folder)
    return {"losses": curves.losses, "accuracies": curves.accuracies,
            "seconds": round(time.monotonic() - start, 1)}


def main() -> None:
    torch.set_num_threads(1)  # as many trainings at a time as there are processors
    worker.serve(run)


if __name__ == "__main__":
    main()
