# SPDX-License-Identifier: Apache-2.0
"""What runs where: operations that the core has commands for stay, others become the host's."""

from __future__ import annotations

import math
from typing import Any

import torch

from sat_golden.defs import POOL_POSITIONS_MAX
from sat_golden.windows import Windows

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


def pool_windows(node: Node) -> Windows | None:
    """The windows of a pooling, or None if the core's commands have no such ones."""
    shape = node.values[0].shape
    if shape is None or len(shape) != 4:
        return None
    images, h, w, _ = map_shape(shape)
    arguments = list(node.args[1:])
    try:
        if node.function is aten.adaptive_avg_pool2d.default:
            out_h, out_w = pair(arguments[0])
            if (out_h, out_w) == (1, 1):
                windows = Windows(images, h, w, 1, 1, h, w)
            elif h % out_h or w % out_w or h // out_h != w // out_w:
                return None
            else:
                windows = Windows.sliding(images, h, w, h // out_h, w // out_w,
                                          stride=h // out_h)
            return windows if max(windows.kernel_h, windows.kernel_w) <= 15 else None
        kernel = pair(arguments[0])
        stride = pair(arguments[1]) if len(arguments) > 1 and arguments[1] else kernel
        pad = pair(arguments[2]) if len(arguments) > 2 else (0, 0)
        plain = stride[0] == stride[1] and pad[0] == pad[1]
        if node.op == "max_pool":
            plain &= len(arguments) < 4 or pair(arguments[3]) == (1, 1)
            plain &= len(arguments) < 5 or not arguments[4]
            plain &= kernel[0] * kernel[1] <= POOL_POSITIONS_MAX
        else:
            plain &= len(arguments) < 4 and kernel[0] * kernel[1] > 1
        windows = Windows.sliding(images, h, w, *kernel, stride=stride[0], pad=pad[0])
        windows.transposed()
    except ValueError:
        return None
    return windows if plain else None


def pair(value: Any) -> tuple[int, int]:
    """torch's sizes: one for both sides, or one each."""
    sizes = list(value) if isinstance(value, (list, tuple)) else [value]
    return (sizes[0], sizes[-1])
