# SPDX-License-Identifier: Apache-2.0
"""From a graph to scripts: forward in training and in evaluation, backward, gradients and updates.

Core and host take turns: all commands that need nothing more of the host are one program, and what
the host does then is one block.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch

from ..core import MAX_COMMANDS
from ..nn import Script, Sgd
from ..nn.gradients import add_gradients, array_part, plan
from .errors import CompileError
from .graph import Graph, Node
from .host import Dropout, HostBlock
from .operations import OPERATIONS, BatchNormOp, Context, Operation
from .parameters import Parameter
from .values import FromHost, Value

ROOM = 256  # commands that an operation may add to a program: PRUNE of 15x15 positions


class LongScript(Script):
    """Starts another program where one is nearly full."""

    @property
    def program(self):
        last = super().program
        if len(last) <= MAX_COMMANDS - ROOM:
            return last
        self.steps.append(self.core.program())
        return super().program


class Lowered:
    """The scripts of a graph on a core.

    input, output   values
    loss_gradient   by the output, times the loss scale, in torch's layout; read by `backward`
    """

    def __init__(self, graph: Graph, context: Context, rng: np.random.Generator):
        self.context, self.core = context, context.core
        self.input = context.values[graph.input] = Value(graph.input)
        self.loss_gradient = torch.zeros(())
        self.operations = self._operations(graph, Dropout(rng))
        self.output = context.values[graph.output]
        if not self.output.sends_back:
            raise CompileError("", "its output depends on no parameter", "give it layers with "
                               "weights")
        self.forward, self.evaluation = self._forward(True), self._forward(False)
        self.backward = self._backward()
        config = self.core.backend.config
        jobs = [gradient.job(config) for op in self.operations for gradient in op.gradients()]
        self._order, self.update_cycles = plan(jobs)

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
                        value.fmap = value.new_map(self.core, "map")
                made.append(OPERATIONS[node.op](self.context, node, node is graph.output))
        return made

    def _script(self) -> LongScript:
        return LongScript(self.core)

    def _forward(self, training: bool) -> Script:
        script = self._script()
        script.host(self.input.write)
        for op in self.operations:
            op.forward(script, training)
        return script

    def _backward(self) -> Script:
        script = self._script()
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
        return script

    def prune(self) -> None:
        """Make the copies of all weights, after the host has written them."""
        script = self._script()
        for op in self.operations:
            op.prune(script)
        script.run("PRUNE", {})

    def update(self, accumulate: bool, last: bool) -> Script:
        """Gradients, and after the step's last micro-batch the updates."""
        script = self._script()
        sgd = Sgd(0.0, 0.0, 1 / self.context.scale.value)  # each parameter has its own scalars
        for entry in self._order if last else array_part(self._order):
            add_gradients(script.program, [entry], sgd, skip=False, accumulate=accumulate)
        return script


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
