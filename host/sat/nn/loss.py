# SPDX-License-Identifier: Apache-2.0
"""What the host does of a step: checks and batches of the data, losses and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sat_golden.feature import stats
from sat_golden.fp_mode import exact

from .functional import softmax

# Of an output: its value, and its gradient in float64.
LossFunction = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Loss:
    """Mean loss of a batch, how many of it were right, and the gradient by the logits: FP16, times
    the loss scale, divided by the batch."""

    value: float
    correct: int
    gradient: np.ndarray

    @property
    def overflow(self) -> bool:
        return not np.isfinite(self.gradient).all()


@exact()
def cross_entropy(logits: np.ndarray, labels: np.ndarray, scale: float) -> Loss:
    """Of logits float32 [batch][classes] and labels integers [batch]; float64, rounded once."""
    rows = np.arange(len(labels))
    gradient = softmax(logits)
    loss = float(-np.log(np.maximum(gradient[rows, labels], 1e-30)).mean())
    gradient[rows, labels] -= 1
    gradient = (gradient * (scale / len(labels))).astype(np.float16)
    return Loss(loss, int((logits.argmax(1) == labels).sum()), gradient)


def column_sums(gradient: np.ndarray) -> np.ndarray:
    """Of a gradient float16 [batch][outputs], for a bias: float32 [1][outputs], as STATS makes
    them."""
    return stats(gradient.view(np.uint16))[0].view(np.float32)


def mean_squared(target: np.ndarray) -> LossFunction:
    """Half the mean squared distance to a target with the elements of y."""
    @exact()
    def loss(y: np.ndarray) -> tuple[float, np.ndarray]:
        distance = y.astype(np.float64) - target.reshape(y.shape)
        return float((distance * distance).mean() / 2), distance / distance.size
    return loss


def check_labels(labels: np.ndarray, batch: int, classes: int) -> np.ndarray:
    """The labels as an array; ValueError or TypeError unless there is a legal one for each row of
    the batch."""
    labels = np.asarray(labels)
    if labels.shape != (batch,):
        raise ValueError(f"labels: shape {labels.shape}, but must be {(batch,)}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"labels: {labels.dtype}, but must be integers")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: {labels.min()}..{labels.max()} are not all in 0..{classes - 1}")
    return labels


def check_rows(x: np.ndarray, row: tuple[int, ...], count: int | None = None) -> np.ndarray:
    """x as an array; ValueError or TypeError unless it is float16 and has `count` rows of the
    given shape, or any number but none."""
    x = np.asarray(x)
    if x.shape[1:] != row or count not in (None, len(x)):
        rows = "rows" if count is None else count
        wanted = ", ".join(map(str, (rows, *row)))
        raise ValueError(f"x: shape {x.shape}, but must be ({wanted})")
    if not len(x):
        raise ValueError("x: has no rows")
    if x.dtype != np.float16:
        raise TypeError(f"x: {x.dtype}, but must be float16")
    return x


def micro_batches(x: np.ndarray, labels: np.ndarray, row: tuple[int, ...], batch: int,
                  classes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """x float16 [rows][...] and its labels in parts of `batch` rows; ValueError or TypeError as
    `check_rows` and `check_labels`, and unless the rows are a multiple of `batch`."""
    x = check_rows(x, row)
    if len(x) % batch:
        raise ValueError(f"x: shape {x.shape}, but rows must be a multiple of {batch}")
    labels = check_labels(labels, len(x), classes)
    return [(x[first : first + batch], labels[first : first + batch])
            for first in range(0, len(x), batch)]


def batches(x: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """The rows of x in whole batches, of which the last is filled up with zeros; with the number of
    rows that count."""
    for start in range(0, len(x), size):
        part = x[start : start + size]
        padded = np.zeros((size, *x.shape[1:]), x.dtype)
        padded[: len(part)] = part
        yield padded, len(part)


def share_right(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose largest logit is that of the label."""
    return float((logits.argmax(1) == check_labels(labels, *logits.shape)).mean())
