# SPDX-License-Identifier: Apache-2.0
"""A torch module as a graph. torch.export traces it: whatever Python computes from shapes is done
then, functions and modules look alike, and each call knows the module that made it."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.export.graph_signature import InputKind
from torch.fx.node import map_arg

from .errors import CompileError
from .graph import Graph, Node

aten = torch.ops.aten

CORE = {  # operation: what stands for it
    "linear": (aten.linear.default,),
    "conv2d": (aten.conv2d.default, aten.conv2d.padding),
    "batch_norm": (aten.batch_norm.default,),
    "relu": (aten.relu.default, aten.relu_.default),
    "max_pool": (aten.max_pool2d.default,),
    "average_pool": (aten.avg_pool2d.default, aten.adaptive_avg_pool2d.default),
    "add": (aten.add.Tensor, aten.add_.Tensor),
    "dropout": (aten.dropout.default, aten.dropout_.default),
}
OPERATIONS = {function: op for op, functions in CORE.items() for function in functions}

VIEWS = {  # every element of the result is one of the value
    aten.view.default, aten.reshape.default, aten.flatten.using_ints, aten.unflatten.int,
    aten.transpose.int, aten.permute.default, aten.squeeze.dim, aten.squeeze.default,
    aten.squeeze.dims, aten.unsqueeze.default, aten.select.int, aten.slice.Tensor,
    aten.expand.default, aten.contiguous.default, aten.clone.default, aten.chunk.default,
    aten.split.Tensor, aten.split_with_sizes.default, aten.unbind.int, aten.t.default,
    aten.narrow.default, aten.movedim.int, aten.alias.default, operator.getitem,
}
FUNCTIONS = {  # computed on the host
    aten.layer_norm.default, aten.gelu.default, aten.softmax.int, aten.silu.default,
    aten.sigmoid.default, aten.tanh.default, aten.scaled_dot_product_attention.default,
    aten.matmul.default, aten.bmm.default, aten.mul.Tensor, aten.mul.Scalar, aten.div.Tensor,
    aten.sub.Tensor, aten.neg.default, aten.cat.default, aten.stack.default, aten.mean.dim,
    aten.mean.default, aten.sum.dim_IntList, aten.leaky_relu.default, aten.hardtanh.default,
    aten.elu.default, aten.exp.default, aten.pow.Tensor_Scalar, aten.sqrt.default,
    aten.rsqrt.default, aten.add.Scalar, aten.hardswish.default, aten.hardsigmoid.default,
    aten.relu6.default, aten.hardtanh_.default, aten.mish.default, aten.softplus.default,
    aten.log_softmax.int, aten.masked_fill.Scalar, aten.where.self, aten.where.ScalarOther,
    aten.mul_.Tensor, aten.sub_.Tensor, aten.div_.Tensor, aten.max_pool2d.default,
    aten.avg_pool2d.default, aten.constant_pad_nd.default, aten.pad.default, aten.var.correction,
    aten.upsample_nearest2d.vec, aten.einsum.default, aten.pixel_shuffle.default,
    aten.pixel_unshuffle.default, aten.square.default, aten.log.default, aten.clamp.default,
    aten.baddbmm.default, aten.rms_norm.default, aten.group_norm.default,
}

REMEDIES = {  # of operations that people try
    "aten.conv1d.default": "use Conv2d with a map of height 1",
    "aten.conv3d.default": "the core convolves maps of two dimensions",
    "aten.conv_transpose2d.input": "use an upsampling and a Conv2d outside, or leave it out",
    "aten.instance_norm.default": "use BatchNorm2d",
    "aten.embedding.default": "look the rows up before the model, and give it the vectors",
}


def capture(model: torch.nn.Module, example: torch.Tensor) -> Graph:
    """The graph of a training step of the model; CompileError for what is not in the tables."""
    modes = {module: module.training for module in model.modules()}
    model.train()
    try:
        program = torch.export.export(model, (example,), strict=False)
    except Exception as error:  # whatever the model's own code or torch raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CompileError("", f"torch.export cannot trace it ({reason})",
                           "its forward takes one tensor, and no branch may depend on a tensor's "
                           "values") from error
    finally:
        for module, mode in modes.items():
            module.training = mode
    return _Reader(program).graph()


class _Reader:
    """Turns the graph of torch.export into ours."""

    def __init__(self, program: Any):
        self.program = program
        self.nodes: dict[Any, Node] = {}
        self.buffers: set[Any] = set()

    def graph(self) -> Graph:
        inputs = self._inputs()
        for fx_node in self.program.graph.nodes:
            if fx_node.op == "call_function":
                self._call(fx_node)
            elif fx_node.op == "output":
                results = [self._node(result) for result in fx_node.args[0]
                           if result not in self.buffers]
        if len(inputs) != 1 or len(results) != 1:
            raise CompileError("", f"has {len(inputs)} inputs and {len(results)} outputs",
                               "its forward takes one tensor and returns one")
        made = Graph(list(self.nodes.values()), inputs[0], results[0])
        made.drop_unused()
        return made

    def _inputs(self) -> list[Node]:
        """The nodes of inputs; those of parameters beside. Buffers but a batch normalisation's are
        constants."""
        found = []
        signature = {spec.arg.name: spec for spec in self.program.graph_signature.input_specs}
        for fx_node in self.program.graph.nodes:
            if fx_node.op != "placeholder":
                continue
            spec = signature[fx_node.name]
            shape = tuple(getattr(fx_node.meta["val"], "shape", ()))
            if spec.kind is InputKind.PARAMETER:
                node = Node("parameter", spec.target, shape)
            elif spec.kind is InputKind.USER_INPUT:
                node = Node("input", "input", shape)
                found.append(node)
            else:
                self.buffers.add(fx_node)
                values = {**dict(self.program.state_dict), **dict(self.program.constants)}
                node = _constant(spec.target, values[spec.target])
            self.nodes[fx_node] = node
        return found

    def _node(self, fx_node: Any) -> Node:
        return self.nodes[fx_node]

    def _call(self, fx_node: Any) -> None:
        function, path = fx_node.target, _path(fx_node)
        if fx_node.args and fx_node.args[0] in self.buffers and function is aten.add_.Tensor:
            self.buffers.add(fx_node)  # counts the batches
            return
        args = map_arg(fx_node.args, self._node)
        kwargs = map_arg(fx_node.kwargs, self._node)
        node = Node("host", path, None, function, args, kwargs)
        if all(source.op == "constant" for source in node.inputs):
            self.nodes[fx_node] = _constant(path, node.call(_constants(node)))
            return
        if function in OPERATIONS:
            op = OPERATIONS[function]
        elif function in VIEWS:
            op = "view"
        elif function in FUNCTIONS:
            op = "host"
        else:
            name = str(function)
            raise CompileError(path, f"{name.removeprefix('aten.').split('.')[0]} is unsupported",
                               REMEDIES.get(name, "see the list of operations in "
                                                  "docs/guide/torch.md"))
        in_place = str(getattr(function, "overloadpacket", "")).endswith("_")
        if in_place and args[0].op == "view":
            raise CompileError(path, "an operation in place on a view is unsupported",
                               "write the result to a new tensor")
        dropout = fx_node.args[4:5] or [fx_node.kwargs.get("dropout_p", 0.0)]
        if function is aten.scaled_dot_product_attention.default and dropout[0]:
            raise CompileError(path, f"dropout of {dropout[0]} within attention is unsupported",
                               "set it to 0, and put a Dropout after the attention")
        value = fx_node.meta["val"]
        shape = tuple(value.shape) if isinstance(value, torch.Tensor) else None
        node.op, node.shape = op, shape
        self.nodes[fx_node] = node


def _constant(path: str, value: Any) -> Node:
    """What does not depend on input and parameters."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.to(torch.float64) if value.is_floating_point() else value
    return Node("constant", path, tuple(getattr(value, "shape", ())), lambda: value)


def _constants(node: Node) -> dict[Node, Any]:
    """Values of the constants that it reads."""
    return {source: source.function() for source in node.inputs if source.function}


def _path(fx_node: Any) -> str:
    stack = fx_node.meta.get("nn_module_stack")
    return list(stack.values())[-1][0] if stack else ""
