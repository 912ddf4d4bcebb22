# SPDX-License-Identifier: Apache-2.0
"""What runs where: operations that the core has commands for stay, others become the host's."""

from __future__ import annotations

import math
from typing import Any

import torch

from sat_golden.defs import POOL_POSITIONS_MAX
from sat_golden.windows import Windows

from ..nn import Patches
from .graph import Graph, Node, map_shape, same_memory

aten = torch.ops.aten
ALWAYS = ("linear", "conv2d", "batch_norm")  # on the core, wherever their input comes from


def place(graph: Graph) -> None:
    """Decide for every node; then let each ReLU be part of what it follows, where it can."""
    _rows_of_linears(graph)
    for node in graph:
        node.core = node.op in ALWAYS or _fits(node, graph)
    _use_aliases(graph)
    for node in graph:
        if node.function is not None and not node.core and node.op not in ("dropout", "constant"):
            node.op = "host"
    graph.drop_unused()
    _fuse_relus(graph)


def _rows_of_linears(graph: Graph) -> None:
    """Values of four dimensions lie in memory as image maps. A linear layer of such ones takes them
    as rows, which are the map's own if the channels came last by a permutation."""
    for node in list(graph):
        source = node.values[0] if node.op == "linear" else node
        if node is source or source.shape is None or len(source.shape) != 4 or not node.shape:
            continue
        at, shape = graph.nodes.index(node), node.shape
        before = Node("view", node.path, (math.prod(shape[:3]), source.shape[3]),
                      aten.reshape.default, (source, [-1, source.shape[3]]))
        after = Node("view", node.path, shape, aten.reshape.default, (node, list(shape)))
        graph.replace(node, after)
        after.args = (node, list(shape))
        node.replace(source, before)
        node.shape = (math.prod(shape[:3]), shape[3])
        graph.nodes[at : at + 1] = [before, node, after]


def _fits(node: Node, graph: Graph) -> bool:
    """Whether the core has commands for an operation that the host could do as well."""
    sources = node.values
    if node.op == "relu":
        return sources[0].core
    if node.op == "add":
        return (all(source.core and source.shape == node.shape for source in sources)
                and len(sources) == len(node.args) == 2 and not node.kwargs)
    if node.op in ("max_pool", "average_pool"):
        return pool_windows(node) is not None
    if node.op == "view":
        return _alias_of(node) is not None
    return False


def _alias_of(node: Node) -> Node | None:
    """The first value of the core that has the same elements at the same places, if any: a chain of
    views that moves nothing in memory costs nothing."""
    found, chain = None, [node]
    while node.shape is not None and chain[0].values:
        source = chain[0].values[0]
        if source.core and source.shape is not None and same_memory(chain, source.shape):
            found = source
        if source.op != "view":
            break
        chain.insert(0, source)
    return found


def _use_aliases(graph: Graph) -> None:
    sources = {node: _alias_of(node) for node in graph if node.op == "view" and node.core}
    for node, source in sources.items():
        node.op, node.args, node.kwargs = "alias", (source,), {}


def _fuse_relus(graph: Graph) -> None:
    for node in list(graph):
        if node.op != "relu":
            continue
        source = node.values[0]
        if (source.op in (*ALWAYS, "add") and not source.relu and graph.users(source) == [node]
                and graph.output is not source):
            source.relu = True
            graph.replace(node, source)
            graph.nodes.remove(node)
        else:
            node.relu = True


def pool_windows(node: Node) -> Windows | Patches | None:
    """What a pooling sees, or None if the core has no commands for it."""
    shape = node.values[0].shape
    if shape is None or len(shape) != 4:
        return None
    images, h, w, _ = map_shape(shape)
    try:
        return (_max_windows if node.op == "max_pool" else _patches)(node, images, h, w)
    except ValueError:
        return None


def _max_windows(node: Node, images: int, h: int, w: int) -> Windows | None:
    kernel, stride, pad = _sizes(node)
    dilation, ceil = _arguments(node, 4, 1, False)
    if (stride[0] != stride[1] or pad[0] != pad[1] or pair(dilation) != (1, 1) or ceil
            or kernel[0] * kernel[1] > POOL_POSITIONS_MAX):
        return None
    return Windows.sliding(images, h, w, *kernel, stride=stride[0], pad=pad[0])


def _patches(node: Node, images: int, h: int, w: int) -> Patches | None:
    if node.function is aten.adaptive_avg_pool2d.default:
        return Patches.adaptive(images, h, w, *pair(node.args[1]))
    ceil, count_pad, divisor = _arguments(node, 4, False, True, None)
    if divisor is not None:
        return None
    return Patches.sliding(images, h, w, *_sizes(node), ceil=ceil, count_pad=count_pad)


def _sizes(node: Node) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, stride and padding of a pooling, (high, wide)."""
    kernel, stride, pad = _arguments(node, 1, None, None, 0)
    return pair(kernel), pair(stride or kernel), pair(pad)


def _arguments(node: Node, first: int, *defaults: Any) -> tuple[Any, ...]:
    """As many as there are defaults, from the argument with the number `first`."""
    given = node.args[first : first + len(defaults)]
    return (*given, *defaults[len(given) :])


def pair(value: Any) -> tuple[int, int]:
    """torch's sizes: one for both sides, or one each."""
    sizes = list(value) if isinstance(value, (list, tuple)) else [value]
    return (sizes[0], sizes[-1])
