# SPDX-License-Identifier: Apache-2.0
"""From a graph to scripts: forward in training and in evaluation, backward, gradients and updates.

Core and host take turns: all commands that need nothing more of the host are one program, and what
the host does then is one block.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import torch

from ..nn import Script, Sgd
from ..nn.schedule import Schedule
from .errors import CompileError
from .graph import Graph, Node
from .host import Dropout, HostBlock
from .operations import OPERATIONS, BatchNormOp, Context, Operation
from .parameters import Parameter
from .values import FromHost, Value


class Lowered:
    """The scripts of a graph on a core.

    input, output   values
    result          of the last forward pass: the output as float64, in torch's layout
    loss_gradient   by the output, times the loss scale, in torch's layout; read by `backward`
    """

    def __init__(self, graph: Graph, context: Context, rng: np.random.Generator):
        self.context, self.core = context, context.core
        self.input = context.values[graph.input] = Value(graph.input)
        self.result = self.loss_gradient = torch.zeros(())
        self.operations = self._operations(graph, Dropout(rng))
        self.output = context.values[graph.output]
        if not self.output.sends_back:
            raise CompileError("", "its output depends on no parameter", "give it layers with "
                               "weights")
        self._forward, self._evaluation = (self._forward_schedule(training)
                                           for training in (True, False))
        self._backward = self._backward_schedule()
        self._gradients = [gradient for op in self.operations for gradient in op.gradients()]
        self._updates = cache(self._update_schedule)
        context.temporaries.use("evaluation", [[self._evaluation]])
        self.use_memory(1)

    def use_memory(self, count: int) -> None:
        """That of a step of `count` micro-batches; three are as good as any more."""
        count = min(count, 3)
        self.context.temporaries.use(f"{count} micro-batches", [
            [self._forward, self._backward, self._updates(index > 0, index == count - 1)]
            for index in range(count)])

    @property
    def forward(self) -> Script:
        return self._forward.scripts()[0]

    @property
    def evaluation(self) -> Script:
        return self._evaluation.scripts()[0]

    @property
    def backward(self) -> Script:
        return self._backward.scripts()[0]

    @property
    def parameters(self) -> list[Parameter]:
        return [parameter for op in self.operations for parameter in op.parameters]

    @property
    def norms(self) -> list[BatchNormOp]:
        return [op for op in self.operations if isinstance(op, BatchNormOp)]

    def _operations(self, graph: Graph, dropout: Dropout) -> list[Operation]:
        phases = phases_of(graph)
        made: list[Operation] = []
        by_phase: dict[int, list[Node]] = defaultdict(list)
        for node in graph:
            if node in phases and node is not graph.input:
                by_phase[phases[node]].append(node)
        for phase in sorted(by_phase):
            nodes = by_phase[phase]
            if not nodes[0].core:
                inside = set(nodes)
                outputs = {node for node in nodes if node is graph.output
                           or any(user not in inside for user in graph.users(node))}
                made.append(HostBlock(self.context, nodes, outputs, dropout))
                continue
            for node in nodes:
                for source in node.values:
                    value = self.context.values[source]
                    if value.fmap is None:
                        value.fmap = value.new_map(self.context.temporaries, "map")
                made.append(OPERATIONS[node.op](self.context, node, node is graph.output))
        return made

    def _forward_schedule(self, training: bool) -> Schedule:
        script = Script(self.core)
        script.host(self.input.write, writes=self.input.written_tensors)
        for op in self.operations:
            op.forward(script, training)
        script.host(self._read_result, self.output.read_tensors)
        return Schedule(script)

    def _read_result(self) -> None:
        self.result = self.output.read()

    def _backward_schedule(self) -> Schedule:
        script = Script(self.core)
        uses: dict[Value, list[tuple[Operation, int]]] = defaultdict(list)
        for op in self.operations:
            for index, value in enumerate(op.inputs):
                uses[value].append((op, index))
        for op in reversed(self.operations):
            sending = [value for value in op.outputs if value.sends_back]
            for value in sending:
                contributions = [user.contribution(index) for user, index in uses[value]]
                if value is self.output:
                    contributions.append(FromHost(lambda: self.loss_gradient))
                self.context.backward.finish(script, value, contributions)
            if sending:
                op.prepare(script)
        return Schedule(script)

    def prune(self) -> None:
        """Make the copies of all weights, after the host has written them."""
        script = Script(self.core)
        for op in self.operations:
            op.prune(script)
        Schedule(script).scripts()[0].run("PRUNE", {})

    def _update_schedule(self, accumulate: bool, last: bool) -> Schedule:
        script = Script(self.core)
        for gradient in self._gradients:
            gradient.start(script.program, accumulate)
        for gradient in self._gradients if last else ():
            gradient.use(script)
        return Schedule(script)

    def update(self, accumulate: bool, last: bool) -> Script:
        """Gradients, and after the step's last micro-batch the updates."""
        sgd = Sgd(0.0, 0.0, 1 / self.context.scale.value)  # each parameter has its own scalars
        return self._updates(accumulate, last).scripts(sgd)[0]

    @property
    def update_cycles(self) -> float:
        """Of those of a step on one batch, estimated."""
        return self._updates(False, True).cycles


def phases_of(graph: Graph) -> dict[Node, int]:
    """When each node is done: even phases are the host's, odd ones the core's."""
    phases: dict[Node, int] = {}
    for node in graph:
        if node.op not in ("parameter", "constant"):
            phases[node] = max((phases[source] + (source.core is not node.core)
                                for source in node.values), default=0)
    for node in reversed(graph.nodes):  # what depends on parameters alone is done where it is used
        if node in phases and node is not graph.input and not node.values and not node.core:
            users = graph.users(node)
            if users and not any(user.core for user in users):
                phases[node] = min(phases[user] for user in users)
    return phases
