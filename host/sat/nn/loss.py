# SPDX-License-Identifier: Apache-2.0
"""What the host computes of a step: the loss and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise softmax in float64."""
    with np.errstate(invalid="ignore"):
        exps = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        return exps / exps.sum(axis=1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray, scale: float) -> Loss:
    """Of logits float32 [batch][classes] and labels integers [batch]; float64, rounded once."""
    rows = np.arange(len(labels))
    gradient = softmax(logits)
    loss = float(-np.log(np.maximum(gradient[rows, labels], 1e-30)).mean())
    gradient[rows, labels] -= 1
    with np.errstate(over="ignore"):
        gradient = (gradient * (scale / len(labels))).astype(np.float16)
    return Loss(loss, int((logits.argmax(1) == labels).sum()), gradient)


def check_labels(labels: np.ndarray, batch: int, classes: int) -> None:
    """ValueError unless there is a legal label for each row of the batch."""
    if labels.shape != (batch,) or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: {batch} classes in 0..{classes - 1} are needed")
