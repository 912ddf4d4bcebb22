# SPDX-License-Identifier: Apache-2.0
"""A model as a graph: operations on values, in the order of their execution."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.fx.node import map_aggregate


@dataclass(eq=False)
class Node:
    """An operation and the value that it gives.

    op        "input", "parameter", "constant", what the core has commands for (operations.py), or
              "host": the function is called on the host
    path      of the module that does it
    shape     of the value in torch's layout; None for a tuple of values
    function  and its args and kwargs, in which other nodes stand for their values
    relu      followed by a ReLU
    core      the core computes it
    """

    op: str
    path: str
    shape: tuple[int, ...] | None
    function: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    relu: bool = False
    core: bool = False

    @property
    def inputs(self) -> list[Node]:
        """The nodes among the arguments, parameters included, as often as they are used."""
        found: list[Node] = []

        def visit(argument: Any) -> Any:
            if isinstance(argument, Node):
                found.append(argument)
            return argument

        map_aggregate((self.args, self.kwargs), visit)
        return found

    @property
    def values(self) -> list[Node]:
        """The same without parameters and constants."""
        return [node for node in self.inputs if node.op not in ("parameter", "constant")]

    def replace(self, old: Node, new: Node) -> None:
        """Read `new` wherever `old` was read."""
        self.args, self.kwargs = map_aggregate(  # type: ignore[assignment]
            (self.args, self.kwargs), lambda argument: new if argument is old else argument)

    def call(self, values: dict[Node, Any]) -> Any:
        """The function's result, given the values of its inputs."""
        args, kwargs = map_aggregate(
            (self.args, self.kwargs),
            lambda argument: values[argument] if isinstance(argument, Node) else argument)
        return self.function(*args, **kwargs)  # type: ignore[misc, operator]


@dataclass
class Graph:
    """Nodes in topological order, parameters and the input among them."""

    nodes: list[Node]
    input: Node
    output: Node

    def users(self, node: Node) -> list[Node]:
        return [user for user in self.nodes if node in user.inputs]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def drop_unused(self) -> None:
        """Leave out what the output does not depend on."""
        needed = {self.output, self.input}
        for node in reversed(self.nodes):
            if node in needed:
                needed.update(node.inputs)
        self.nodes = [node for node in self.nodes if node in needed]

    def replace(self, old: Node, new: Node) -> None:
        """Let all users of a node read another."""
        for user in self.nodes:
            user.replace(old, new)
        if self.output is old:
            self.output = new


# In the core's memory a value is a matrix: [N*H*W][C] of an image map [N][C][H][W], else a row for
# all indices but the last.


def map_shape(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Images, height, width and channels of a value's map."""
    if len(shape) == 4:
        images, channels, h, w = shape
        return images, h, w, channels
    *rows, cols = shape or (1,)
    images = rows[0] if rows else 1
    return images, math.prod(rows[1:]), 1, cols


def to_map(value: torch.Tensor) -> torch.Tensor:
    """A value in torch's layout, as its map."""
    shape = map_shape(tuple(value.shape))
    return (value.permute(0, 2, 3, 1) if value.dim() == 4 else value).reshape(shape)


def from_map(fmap: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """The reverse."""
    if len(shape) == 4:
        return fmap.permute(0, 3, 1, 2)
    return fmap.reshape(shape)


def same_memory(chain: list[Node], source: tuple[int, ...]) -> bool:
    """True if views, one after the other, leave every element of the value where it is."""
    shape = chain[-1].shape
    if shape is None or map_shape(shape)[3] != map_shape(source)[3]:
        return False
    places = torch.arange(math.prod(source))
    value: Any = from_map(places.reshape(map_shape(source)), source)
    for node in chain:
        value = node.call({node.values[0]: value})
    moved = to_map(value).reshape(-1)
    return moved.shape == places.shape and bool((moved == places).all())
