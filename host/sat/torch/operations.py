# SPDX-License-Identifier: Apache-2.0
"""What the core computes: the commands of each operation of a graph, and of its gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from sat_golden.windows import Windows

from ..core import Core
from ..memory import FeatureMap, Tensor
from ..nn import (
    AveragePool,
    BatchNorm,
    Conv2d,
    ConvSpec,
    LayerSpec,
    Linear,
    LossScale,
    MaxPool,
    Script,
    SparseWu,
    Temporaries,
)
from ..nn.gradients import Gradient
from .backward import Backward
from .errors import CompileError
from .graph import Node, map_shape
from .parameters import CONV_AXES, LINEAR_AXES, CoreParameter, NormParameter, Parameter
from .placement import pair, pool_windows
from .sparsity import LayerSparsity
from .values import Contribution, Plain, Through, Value, WithEpilogue


class Context:
    """What operations share while they are made, and when they run."""

    def __init__(self, core: Core, weights: Mapping[str, torch.Tensor],
                 groups: Mapping[str, dict], sparsity: LayerSparsity, scale: LossScale):
        self.core, self.weights, self.groups = core, weights, groups
        self.temporaries = Temporaries(core)
        self.sparsity, self.scale = sparsity, scale
        self.backward = Backward(core, self.temporaries)
        self.values: dict[Node, Value] = {}
        self.rng = np.random.default_rng(0)  # for weights that are overwritten at once
        self.accumulate = False  # this micro-batch is not the step's first
        self._ones: dict[int, Tensor] = {}
        self._owners: dict[str, str] = {}

    def ones(self, rows: int) -> Tensor:
        """FP16 [1][rows]"""
        if rows not in self._ones:
            self._ones[rows] = self.core.from_array("ones", np.ones((1, rows), np.float16))
        return self._ones[rows]

    def claim(self, node: Node, path: str) -> tuple[str, dict | None, torch.Tensor]:
        """Name, optimizer group and first value of a parameter, which one operation may use."""
        name = node.path
        if name in self._owners:
            raise CompileError(path, f"{name} is used a second time (first by "
                               f"{self._owners[name] or 'the model'})",
                               "give each use a layer of its own")
        self._owners[name] = path
        return name, self.groups.get(name), self.weights[name]

    def trains(self, node: Node) -> bool:
        return self.groups.get(node.path) is not None

    def decays(self, node: Node | None) -> bool:
        return node is not None and bool(self.groups.get(node.path, {}).get("weight_decay"))


class Operation:
    """A node (or several), with its output's value. Methods add to scripts or programs."""

    def __init__(self, context: Context, node: Node):
        self.context, self.node = context, node
        self.inputs = [context.values[source] for source in node.values]
        self.output = context.values[node] = Value(node)
        self.parameters: list[Parameter] = []

    @property
    def outputs(self) -> list[Value]:
        return [self.output]

    def forward(self, script: Script, training: bool) -> None: ...

    def prepare(self, script: Script) -> None:
        """What the gradients need, once that of the output is complete."""

    def contribution(self, index: int) -> Contribution:
        """To the gradient of an input."""
        raise NotImplementedError

    def gradients(self) -> list[Gradient]:
        """Of the parameters, with their updates."""
        return []

    def prune(self, script: Script) -> None:
        """Make the copies of the weights."""

    def _finish_gradient(self, gradient: Gradient, parameter: Parameter) -> list[Gradient]:
        return [parameter.trained(gradient)] if parameter.group is not None else []

    @property
    def x(self) -> FeatureMap:
        return self.inputs[0].map

    def _argument(self, index: int, default: Any) -> Any:
        return self.node.args[index] if len(self.node.args) > index else default

    def _unsupported(self, problem: str, remedy: str) -> CompileError:
        return CompileError(self.node.path, problem, remedy)

    def _checked(self, make: Callable[[], Any], remedy: str) -> Any:
        """What `make` makes; its ValueError as CompileError."""
        try:
            return make()
        except ValueError as error:
            raise self._unsupported(str(error), remedy) from error

    def _layer_path(self, weight: Node) -> str:
        """Of the layer that a weight belongs to; functional layers are named by their weight."""
        return weight.path.removesuffix("weight").rstrip("._") or weight.path


class LayerOp(Operation):
    """A layer of `sat.nn` with a matrix of weights, and perhaps a bias."""

    layer: Linear | Conv2d

    def _claim(self, weight: Node, bias: Node | None, axes: tuple[int, ...]) -> None:
        name, group, initial = self.context.claim(weight, self.node.path)
        self.parameters.append(CoreParameter(name, group, self.layer.w, self.layer.v, initial,
                                             axes, self.layer.ff))
        if bias is None:
            return
        if self.layer.trained_bias is None:
            raise ValueError(f"{self.node.path}: has no bias")
        name, group, initial = self.context.claim(bias, self.node.path)
        self.parameters.append(CoreParameter.of_row(name, group, self.layer.trained_bias, initial))

    def _finished(self, made: Iterable[Gradient]) -> list[Gradient]:
        return [trained for gradient, parameter in zip(made, self.parameters)
                for trained in self._finish_gradient(gradient, parameter)]

    def _sparsity(self, weight: Node) -> tuple[int, int, SparseWu | None]:
        """N, M and `wu` of the layer's specification; what is not trained needs no WU."""
        n, m, wu = self.context.sparsity.of(self._layer_path(weight))
        return n, m, wu if self.context.trains(weight) else None

    def prune(self, script: Script) -> None:
        self.layer.prune(script.program)


class LinearOp(LayerOp):
    """[rows][inputs] times [inputs][outputs]; rows are all indices but the last."""

    layer: Linear

    def __init__(self, context: Context, node: Node, logits: bool):
        super().__init__(context, node)
        weight, bias = node.args[1], self._argument(2, None)
        for name, argument in (("weight", weight), ("bias", bias)):
            if argument is not None and argument.op != "parameter":
                raise self._unsupported(f"its {name} is computed", "use a parameter")
        outputs, inputs = weight.shape
        sparsity = self._sparsity(weight)
        rows = math.prod(self.output.shape[:-1])
        sends_back = self.inputs[0].sends_back
        self.layer = self._checked(
            lambda: Linear(context.core, self._layer_path(weight),
                           LayerSpec(inputs, outputs, *sparsity), rows, context.rng,
                           logits=logits and not node.relu, bp=sends_back, bias=bias is not None,
                           bias_decays=context.decays(bias), temporaries=context.temporaries),
            "change its size")
        self._claim(weight, bias, LINEAR_AXES)
        images, h, w, _ = map_shape(self.output.shape)
        self.output.fmap = FeatureMap(self.layer.out, images, h, w)
        self.output.sends_back = True
        context.ones(rows)

    def forward(self, script: Script, training: bool) -> None:
        self.layer.forward(script.program, self.x.tensor, relu=self.node.relu)

    def prepare(self, script: Script) -> None:
        self.layer.d_out = self.output.gradient.tensor
        if self.layer.selection:
            self.layer.select(script.program)

    def contribution(self, index: int) -> Contribution:
        return WithEpilogue(lambda program, out, **epilogue: self.layer.backward(
            program, out.tensor, **epilogue))

    def gradients(self) -> list[Gradient]:
        ones = self.context.ones(self.layer.out.rows)
        return self._finished(self.layer.gradients(self.x.tensor, ones))


class Conv2dOp(LayerOp):
    layer: Conv2d

    def __init__(self, context: Context, node: Node, logits: bool):
        super().__init__(context, node)
        weight, bias = node.args[1], self._argument(2, None)
        if weight.op != "parameter" or bias is not None and bias.op != "parameter":
            raise self._unsupported("its weights are computed", "use parameters")
        if len(self.inputs[0].shape) != 4:
            raise self._unsupported(f"a convolution of values {self.inputs[0].shape}",
                                    "give it [N][C][H][W]")
        spec = self._spec(weight)
        images, h, w, _ = map_shape(self.inputs[0].shape)
        self.layer = self._checked(
            lambda: Conv2d(context.core, self._layer_path(weight), spec, images, h, w, context.rng,
                           bp=self.inputs[0].sends_back, bias=bias is not None,
                           bias_decays=context.decays(bias), temporaries=context.temporaries),
            "change the layer, or its padding before it")
        self._claim(weight, bias, CONV_AXES)
        self.output.fmap = self.layer.feature_map(f"{self.layer.name}.z")
        self.output.sends_back = True

    def _spec(self, weight: Node) -> ConvSpec:
        outputs, inputs, *kernel = weight.shape or ()
        stride, pad = self._argument(3, 1), self._argument(4, 0)
        dilation, groups = self._argument(5, 1), self._argument(6, 1)
        if groups != 1:
            raise self._unsupported(f"groups={groups} is unsupported",
                                    "use groups=1: the core's convolutions see all channels")
        if isinstance(pad, str):
            reach = [(size - 1) * step for size, step in zip(kernel, pair(dilation))]
            if pad == "same" and any(size % 2 for size in reach):
                raise self._unsupported("padding='same' of an even kernel is unsupported",
                                        "use an odd kernel")
            pad = [size // 2 if pad == "same" else 0 for size in reach]
        sizes = {"kernel_size": pair(kernel), "stride": pair(stride), "padding": pair(pad),
                 "dilation": pair(dilation)}
        for name, (high, wide) in sizes.items():
            if high != wide:
                raise self._unsupported(f"{name}={(high, wide)} is unsupported",
                                        "use the same on both sides")
        side, step, edge, spread = (high for high, _ in sizes.values())
        return ConvSpec(inputs, outputs, side, step, edge, spread, *self._sparsity(weight))

    def forward(self, script: Script, training: bool) -> None:
        self.layer.forward(script.program, self.x, self.output.map, relu=self.node.relu)

    def prepare(self, script: Script) -> None:
        if self.layer.selection:
            self.layer.select(script.program, self.output.gradient)

    def contribution(self, index: int) -> Contribution:
        return WithEpilogue(lambda program, out, **epilogue: self.layer.backward(
            program, self.output.gradient, out, **epilogue))

    def gradients(self) -> list[Gradient]:
        ones = self.context.ones(self.output.map.tensor.rows)
        return self._finished(self.layer.gradients(self.x, self.output.gradient, ones=ones))


class BatchNormOp(Operation):
    """With the scalars on the host, as `sat.nn.BatchNorm` has them."""

    def __init__(self, context: Context, node: Node, logits: bool):
        super().__init__(context, node)
        weight, bias, mean, var, training, momentum, epsilon = node.args[1:8]
        if mean is None or var is None or not training:
            raise self._unsupported("a batch normalisation without batch or running statistics",
                                    "leave track_running_stats at True, and training on")
        if len(self.output.shape) not in (2, 4):
            raise self._unsupported(f"a batch normalisation of values {node.shape}",
                                    "give it [N][C] or [N][C][H][W]")
        channels = self.output.shape[1]
        self.norm = BatchNorm(context.core, node.path, channels, epsilon=epsilon,
                              keep=1.0 - momentum)
        for part, argument in enumerate((weight, bias)):
            if argument is not None:
                name, group, initial = context.claim(argument, node.path)
                self.parameters.append(NormParameter(name, group, self.norm, part, initial))
        self.statistics = mean.path, var.path
        for name, buffer in (("mean", mean), ("var", var)):
            setattr(self.norm, name, buffer.function().numpy().copy())
        self.output.fmap = self.output.new_map(context.temporaries, "y")
        self.output.sends_back = True

    @property
    def rows(self) -> int:
        return self.x.tensor.rows

    def forward(self, script: Script, training: bool) -> None:
        if training:
            self.norm.stats(script.program, self.x)
            script.host(partial(self.norm.use_batch, self.rows), self.norm.sums,
                        self.norm.forward_vectors)
        else:
            script.host(self.norm.use_running, writes=self.norm.forward_vectors)
        self.norm.forward(script.program, self.x, self.output.map, relu=self.node.relu)

    def prepare(self, script: Script) -> None:
        self.norm.backward_stats(script.program, self.output.gradient, self.x)
        script.host(self._use_gradient, self.norm.sums, self.norm.backward_vectors)

    def _use_gradient(self) -> None:
        self.norm.use_gradient(self.rows, self.context.scale.value, self.context.accumulate)

    def contribution(self, index: int) -> Contribution:
        return Plain(lambda program, out: self.norm.backward(
            program, self.output.gradient, self.x, out))

    def update(self) -> None:
        for parameter in self.parameters:
            if isinstance(parameter, NormParameter) and parameter.group is not None:
                parameter.update()


class PoolOp(Operation):
    """Largest or average value of windows."""

    def __init__(self, context: Context, node: Node, logits: bool):
        super().__init__(context, node)
        windows = pool_windows(node)
        if windows is None:
            raise self._unsupported("no such windows", "change its sizes")
        channels, temporaries = self.output.shape[1], context.temporaries
        self.layer = (MaxPool(temporaries, node.path, windows, channels)
                      if isinstance(windows, Windows)
                      else AveragePool(context.core, node.path, windows, channels, temporaries))
        self.output.fmap = self.layer.feature_map(f"{node.path}.y")
        self.output.sends_back = self.inputs[0].sends_back

    def forward(self, script: Script, training: bool) -> None:
        self.layer.forward(script.program, self.x, self.output.map)

    def contribution(self, index: int) -> Contribution:
        kind = Plain if isinstance(self.layer, MaxPool) else WithEpilogue
        return kind(lambda program, out, **epilogue: self.layer.backward(
            program, self.output.gradient, out, **epilogue))


class AddOp(Operation):
    """The sum of two values, or a ReLU of one: AFFINE."""

    def __init__(self, context: Context, node: Node, logits: bool):
        super().__init__(context, node)
        self.output.fmap = self.output.new_map(context.temporaries, "sum")
        self.output.sends_back = any(value.sends_back for value in self.inputs)

    def forward(self, script: Script, training: bool) -> None:
        other = self.inputs[1].map if len(self.inputs) > 1 else None
        self.context.backward.add(script.program, self.x, other, self.output.map,
                                  f"FF {self.output.name}", relu=self.node.relu)

    def contribution(self, index: int) -> Contribution:
        return Through(lambda: self.output.gradient)


class AliasOp(Operation):
    """The same memory with another shape: no command."""

    def __init__(self, context: Context, node: Node, logits: bool):
        super().__init__(context, node)
        images, h, w, _ = map_shape(self.output.shape)
        self.output.fmap = FeatureMap(self.x.tensor, images, h, w)
        self.output.sends_back = self.inputs[0].sends_back

    def contribution(self, index: int) -> Contribution:
        def gradient() -> FeatureMap:
            images, h, w, _ = self.x.shape
            return FeatureMap(self.output.gradient.tensor, images, h, w)

        return Through(gradient)


OPERATIONS: dict[str, Callable[[Context, Node, bool], Operation]] = {
    "linear": LinearOp, "conv2d": Conv2dOp, "batch_norm": BatchNormOp, "max_pool": PoolOp,
    "average_pool": PoolOp, "add": AddOp, "relu": AddOp, "alias": AliasOp}
