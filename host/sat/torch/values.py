# SPDX-License-Identifier: Apache-2.0
"""Values of a graph and their gradients, where they lie in the core's memory or in the host's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..memory import FeatureMap, Memory, Tensor
from ..nn.transformer import write_fp16
from ..program import Program
from .graph import Node, from_map, map_shape, to_map


@dataclass(eq=False)
class Value:
    """What a node gives: a feature map in the core's memory, if a command reads or writes it.

    host    what the host computed of it, float64 in torch's layout; the input's, too
    grad    its gradient times the loss scale; with a ReLU, that of what goes into it
    """

    node: Node
    fmap: FeatureMap | None = None
    host: torch.Tensor | None = None
    grad: FeatureMap | None = None
    sends_back: bool = False

    @property
    def name(self) -> str:
        return self.node.path or self.node.op

    @property
    def map(self) -> FeatureMap:
        if self.fmap is None:
            raise ValueError(f"{self.name}: has no map")
        return self.fmap

    @property
    def gradient(self) -> FeatureMap:
        if self.grad is None:
            raise ValueError(f"{self.name}: has no gradient")
        return self.grad

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.shape or ()

    def new_map(self, memory: Memory, part: str) -> FeatureMap:
        return memory.feature_map(f"{self.name}.{part}", *map_shape(self.shape))

    @property
    def read_tensors(self) -> list[Tensor]:
        """What `read` reads."""
        return [self.map.tensor] if self.node.core else []

    @property
    def written_tensors(self) -> list[Tensor]:
        """What `write` writes."""
        return [] if self.fmap is None else [self.fmap.tensor]

    def read(self) -> torch.Tensor:
        """The value as float64 in torch's layout."""
        if self.node.core:
            return read_map(self.map, self.shape)
        if self.host is None:
            raise ValueError(f"{self.name}: is not computed yet")
        return self.host

    def write(self) -> None:
        """What the host computed, as a map, if a command reads it."""
        if self.fmap is not None:
            write_map(self.fmap, self.read())


def read_map(fmap: FeatureMap, shape: tuple[int, ...]) -> torch.Tensor:
    """A map as float64 in torch's layout. Maps of logits are FP32."""
    array = fmap.tensor.read().astype(np.float64).reshape(map_shape(shape))
    return from_map(torch.from_numpy(array), shape)


def write_map(fmap: FeatureMap, value: torch.Tensor) -> None:
    """Round to FP16. Raises Overflow for what is not finite then."""
    write_fp16(fmap.tensor, to_map(value.detach()).numpy().reshape(fmap.tensor.shape))


# What a use of a value adds to its gradient: one of four kinds.


@dataclass(frozen=True)
class Through:
    """A gradient that is there already: this one."""

    fmap: Callable[[], FeatureMap]


@dataclass(frozen=True)
class FromHost:
    """The host has it, in torch's layout."""

    value: Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Plain:
    """A command that writes it to a map."""

    add: Callable[[Program, FeatureMap], None]


@dataclass(frozen=True)
class WithEpilogue:
    """A command of the array, that may also add a residual and zero what a mask says."""

    add: Callable[..., None]  # (program, map, residual=Tensor, mask=Tensor)


Contribution = Through | FromHost | Plain | WithEpilogue


def epilogue(residual: Tensor | None, mask: Tensor | None) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in (("residual", residual), ("mask", mask)) if tensor}
