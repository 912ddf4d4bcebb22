# SPDX-License-Identifier: Apache-2.0
"""The policy of a training: the scalars of SGD, the loss scale, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass

from sat_golden.arguments import fp32

LOST_WEIGHTS = "the update overflowed: weights are NaN, infinite, or beyond FP16"


@dataclass(frozen=True)
class Sgd:
    """Scalars of momentum SGD. `inv_scale` takes the loss scale out of the gradients. ValueError
    for what FP32 does not hold."""

    lr: float
    momentum: float
    inv_scale: float = 1.0
    decay: float | None = None

    def __post_init__(self):
        for name in ("lr", "momentum", "inv_scale", "decay"):
            if name != "decay" or self.decay is not None:
                fp32(getattr(self, name), name)


class TrainingDiverged(ArithmeticError):
    """Training cannot go on: weights are lost, or steps overflow whatever the loss scale."""


@dataclass
class LossScale:
    """Dynamic loss scaling: halve after a step that was skipped for an overflow, double after
    `patience` good steps. It never falls below 1: where a step overflows even there, gradients
    are not to blame, and TrainingDiverged is raised.

    bad_steps  skipped ones in a row
    """

    value: float = 1024.0
    patience: int = 200
    largest: float = 65536.0
    good_steps: int = 0
    bad_steps: int = 0

    def __post_init__(self):
        for name in ("value", "largest"):
            if not 1 <= getattr(self, name) <= 2.0**126:
                raise ValueError(f"{name}: {getattr(self, name)} is not in 1..2^126, where the "
                                 "inverse is a normal number in FP32")
        if self.value > self.largest:
            raise ValueError(f"value: {self.value} is more than largest, {self.largest}")
        if self.patience % 1 or self.patience < 1:
            raise ValueError(f"patience: {self.patience} is not a number of steps")

    def update(self, overflow: bool) -> None:
        if overflow:
            self.bad_steps += 1
            if self.value <= 1:
                raise TrainingDiverged(
                    f"a step overflowed at a loss scale of {self.value:g}, the last of "
                    f"{self.bad_steps} in a row: inputs, activations or weights are too large")
            self.value, self.good_steps = max(1.0, self.value / 2), 0
            return
        self.bad_steps = 0
        self.good_steps += 1
        if self.good_steps >= self.patience:
            self.value, self.good_steps = min(self.largest, self.value * 2), 0
