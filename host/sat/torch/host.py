# SPDX-License-Identifier: Apache-2.0
"""What the host computes: functions that the core has no command for, by torch in float64, and
their gradients by torch's autograd. Results are rounded to FP16 once, where the core reads them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from ..nn import Script
from ..nn.gradients import Gradient
from ..nn.layers import Bias
from ..nn.transformer import Overflow
from .graph import Node
from .operations import Context, Operation
from .parameters import CoreParameter
from .values import Contribution, FromHost, Value, read_map


class Dropout:
    """Random zeros; the generator's state is part of a checkpoint."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def __call__(self, value: torch.Tensor, share: float) -> torch.Tensor:
        kept = torch.from_numpy(self.rng.random(tuple(value.shape)) >= share)
        return value * kept / (1 - share) if share < 1 else value * 0


class HostBlock(Operation):
    """Nodes between commands of the core, done in one go."""

    def __init__(self, context: Context, nodes: list[Node], outputs: set[Node], dropout: Dropout):
        self.context, self.nodes, self.dropout = context, nodes, dropout
        self.node = nodes[-1]
        inside = set(nodes)
        sources = dict.fromkeys(source for node in nodes for source in node.inputs
                                if source not in inside)
        self.inputs = [context.values[source] for source in sources
                       if source.op not in ("parameter", "constant")]
        self.constants = {source: source.function() for source in sources
                          if source.op == "constant" and source.function}
        self.parameters = []
        self._trained: dict[Node, tuple[CoreParameter, Bias]] = {}
        for source in sources:
            if source.op == "parameter":
                self._add_parameter(source)
        self._outputs = [Value(node) for node in nodes if node in outputs]
        for value in self._outputs:
            context.values[value.node] = value
            value.sends_back = bool(self.parameters) or any(v.sends_back for v in self.inputs)
        self._leaves: list[torch.Tensor] = []
        self._results: list[torch.Tensor] = []
        self._gradients: list[torch.Tensor] = []

    def _add_parameter(self, node: Node) -> None:
        user = next(user for user in self.nodes if node in user.inputs)
        name, group, initial = self.context.claim(node, user.path)
        row = Bias(self.context.core, name, initial.numel(), self.context.decays(node))
        parameter = CoreParameter.of_row(name, group, row, initial)
        self.parameters.append(parameter)
        self._trained[node] = parameter, row

    @property
    def outputs(self) -> list[Value]:
        return self._outputs

    def forward(self, script: Script, training: bool) -> None:
        script.host(partial(self._compute, training),
                    [*(tensor for value in self.inputs for tensor in value.read_tensors),
                     *(tensor for parameter, _ in self._trained.values()
                       for tensor in (parameter.w, parameter.velocity))],
                    [tensor for value in self._outputs for tensor in value.written_tensors])

    def _compute(self, training: bool) -> None:
        known: dict[Node, Any] = dict(self.constants)
        self._leaves = []
        with torch.set_grad_enabled(training):
            for value in self.inputs:
                known[value.node] = self._leaf(value.read(), training and value.sends_back)
            for node, (parameter, _) in self._trained.items():
                known[node] = self._leaf(parameter.read()[0].to(torch.float64), training)
            for node in self.nodes:
                if node.op != "dropout":
                    known[node] = node.call(known)
                elif training:
                    known[node] = self.dropout(known[node.args[0]], node.args[1])
                else:
                    known[node] = known[node.args[0]]
        self._results = [known[value.node] for value in self._outputs]
        for value, result in zip(self._outputs, self._results):
            value.host = result.detach()
            value.write()

    def _leaf(self, value: torch.Tensor, differentiated: bool) -> torch.Tensor:
        leaf = value.detach().requires_grad_(differentiated)
        self._leaves.append(leaf)
        return leaf

    def prepare(self, script: Script) -> None:
        rows = [row.gradient for _, row in self._trained.values()]
        script.host(self._differentiate, [*(value.grad.tensor for value in self._outputs
                                            if value.grad), *rows], rows)

    def _differentiate(self) -> None:
        """Gradients of all inputs and parameters from those of the outputs."""
        pairs = [(result, read_map(value.gradient, value.shape))
                 for result, value in zip(self._results, self._outputs) if result.requires_grad]
        wanted = [leaf for leaf in self._leaves if leaf.requires_grad]
        made = iter(torch.autograd.grad([result for result, _ in pairs], wanted,
                                        [gradient for _, gradient in pairs], allow_unused=True))
        self._gradients = []
        for leaf in self._leaves:
            gradient = next(made) if leaf.requires_grad else None
            self._gradients.append(torch.zeros_like(leaf) if gradient is None else gradient)
        for (_, row), gradient in zip(self._trained.values(), self._gradients[len(self.inputs):]):
            total = gradient.reshape(1, -1).numpy()
            if self.context.accumulate:
                total = total + row.gradient.read()
            if not np.isfinite(total).all():
                raise Overflow(f"{row.gradient.name}: a NaN or an infinity")
            row.gradient.write(total.astype(np.float32))
        self._results, self._leaves = [], []

    def contribution(self, index: int) -> Contribution:
        return FromHost(lambda: self._gradients[index])

    def gradients(self) -> list[Gradient]:
        return [trained for parameter, row in self._trained.values()
                for trained in self._finish_gradient(Gradient([], None, [row.update]),
                                                     parameter)]
