# SPDX-License-Identifier: Apache-2.0
"""Parameters where the core or its host keeps them, seen in torch's layout."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..memory import Compressed, Stack, Tensor
from ..nn import BatchNorm, Sgd
from ..nn.gradients import Gradient, Update, Use
from ..nn.layers import Bias
from ..program import Command, Program

Layout = Callable[[np.ndarray], np.ndarray]


class Parameter(ABC):
    """A parameter of the model: its master copy and its velocity.

    group  of the optimizer, which holds its learning rate; None: it is not trained
    """

    def __init__(self, name: str, group: dict | None):
        self.name, self.group = name, group

    @property
    def nesterov(self) -> bool:
        return bool(self.group and self.group["nesterov"])

    def sgd(self, inv_scale: float) -> Sgd:
        """Its scalars as they are now."""
        group = self.group or {"lr": 0.0, "momentum": 0.0, "weight_decay": 0.0}
        return Sgd(float(group["lr"]), float(group["momentum"]), inv_scale,
                   float(group["weight_decay"]) or None)

    def trained(self, gradient: Gradient) -> Gradient:
        """The gradient with this parameter's scalars, whatever the program's are."""
        def own(use: Use) -> Use:
            def add(program: Program, sgd: Sgd, skip: bool) -> Command:
                return use(program, self.sgd(sgd.inv_scale), skip)
            return add

        uses = [part for use in gradient.uses for part in (
            use.nesterov() if self.nesterov and isinstance(use, Update) else [use])]
        return replace(gradient, uses=[own(use) for use in uses])

    @abstractmethod
    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Value and velocity."""

    def read_pruned(self) -> torch.Tensor:
        """The value that FF uses: of weights the copy, FP16 with zeros where they are pruned."""
        return self.read()[0]

    @abstractmethod
    def write(self, value: torch.Tensor, velocity: torch.Tensor) -> None: ...


@dataclass(frozen=True)
class Layout2d:
    """How a parameter lies in the core's matrix: the axes of torch's in the order of the core's."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]

    def to_core(self, value: torch.Tensor, shape: tuple[int, int]) -> np.ndarray:
        array = value.detach().cpu().to(torch.float32).permute(self.axes).reshape(shape)
        return np.ascontiguousarray(array.numpy())

    def to_torch(self, array: np.ndarray) -> torch.Tensor:
        moved = torch.from_numpy(np.array(array)).reshape([self.shape[axis] for axis in self.axes])
        return moved.permute([self.axes.index(axis) for axis in range(len(self.axes))]).contiguous()


LINEAR_AXES = (1, 0)
CONV_AXES = (2, 3, 1, 0)


class CoreParameter(Parameter):
    """FP32 in the core's memory, where UPDATE trains it."""

    def __init__(self, name: str, group: dict | None, w: Tensor, velocity: Tensor,
                 initial: torch.Tensor, axes: tuple[int, ...] | None = None,
                 copy: Compressed | Stack | None = None):
        super().__init__(name, group)
        self.w, self.velocity, self.copy = w, velocity, copy
        self.layout = Layout2d(tuple(initial.shape), axes or tuple(range(initial.dim())))
        self.write(initial, torch.zeros_like(initial))

    @classmethod
    def of_row(cls, name: str, group: dict | None, row: Bias,
               initial: torch.Tensor) -> CoreParameter:
        return cls(name, group, row.row, row.velocity, initial)

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.layout.to_torch(self.w.read()), self.layout.to_torch(self.velocity.read())

    def read_pruned(self) -> torch.Tensor:
        if self.copy is None:
            return super().read_pruned()
        return self.layout.to_torch(self.copy.to_dense().reshape(self.w.shape))

    def write(self, value: torch.Tensor, velocity: torch.Tensor) -> None:
        self.w.write(self.layout.to_core(value, self.w.shape))
        self.velocity.write(self.layout.to_core(velocity, self.w.shape))


class NormParameter(Parameter):
    """gamma (part 0) or beta (part 1) of a batch normalisation, float64 on the host."""

    def __init__(self, name: str, group: dict | None, norm: BatchNorm, part: int,
                 initial: torch.Tensor):
        super().__init__(name, group)
        self.norm, self.part = norm, part
        self.write(initial, torch.zeros_like(initial))

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        value = self.norm.beta if self.part else self.norm.gamma
        velocity = self.norm.velocity[self.part]
        return torch.from_numpy(value.copy()), torch.from_numpy(velocity.copy())

    def write(self, value: torch.Tensor, velocity: torch.Tensor) -> None:
        array = value.detach().cpu().to(torch.float64).numpy().copy()
        if self.part:
            self.norm.beta = array
        else:
            self.norm.gamma = array
        self.norm.velocity[self.part] = velocity.detach().cpu().to(torch.float64).numpy()

    def update(self) -> None:
        """One step, as UPDATE does it."""
        sgd = self.sgd(1.0)
        self.norm.update_part(self.part, sgd.lr, sgd.momentum, sgd.decay or 0.0, self.nesterov)
