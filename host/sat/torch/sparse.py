# SPDX-License-Identifier: Apache-2.0
"""Linear and Conv2d of torch that train N:M weights, on any device."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional

from .errors import CompileError
from .methods import METHODS, Method
from .sampling import GradientSelection
from .sparsity import LayerSparsity, NmSpec

# Modules that compute with weights which are no Linear's or Conv2d's, or past their forward().
OPAQUE = (nn.modules.conv._ConvNd, nn.MultiheadAttention, nn.TransformerEncoderLayer,
          nn.RNNBase, nn.RNNCellBase, nn.Bilinear, nn.Linear)


class SparseLayer(nn.Module):
    """What a SparseLinear and a SparseConv2d have in common. Parameters, and so checkpoints, are
    those of the layer that it was; `method` says what FF and BP read of them, `wu` what WU reads of
    dY (None: all)."""

    weight: nn.Parameter
    bias: nn.Parameter | None
    method: Method
    wu: GradientSelection | None

    def extra_repr(self) -> str:
        method, wu = self.method, self.wu
        text = f"{super().extra_repr()}, {type(method).__name__} {method.n}:{method.m}"
        return f"{text}, WU {wu.mode} {wu.n}:{wu.m}" if wu else text

    def ff(self) -> torch.Tensor:
        """The weight that FF reads now: what a trained network consists of."""
        return self.method.forward(self.weight.detach())

    def bp(self) -> torch.Tensor:
        """The weight that BP reads now, in the weight's layout."""
        return self.method.backward(self.weight.detach(), self.ff())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _Passes.apply(self, x, self.weight, self.bias)

    def wu_reads(self, dy: torch.Tensor) -> torch.Tensor:
        """Of dY: the rows that WU adds up are those of all images and pixels, or tokens."""
        if self.wu is None:
            return dy
        last = dy.movedim(self.channels, -1)
        rows = self.wu(last.reshape(-1, last.shape[-1]))
        return rows.view(last.shape).movedim(-1, self.channels)

    # The three passes on plain tensors; dY has its outputs at `channels`.

    channels: int

    def pass_ff(self, x: torch.Tensor, weight: torch.Tensor,
                bias: torch.Tensor | None) -> torch.Tensor:
        raise NotImplementedError

    def pass_bp(self, dy: torch.Tensor, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """dX; of x only the shape and the layout count."""
        raise NotImplementedError

    def pass_wu(self, dy: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """dW"""
        raise NotImplementedError


class _Passes(torch.autograd.Function):
    """FF, and the gradients by BP and WU. Under autocast, gradients have FF's precision."""

    @staticmethod
    def forward(ctx, layer, x, weight, bias):
        ctx.layer = layer
        ff = layer.method.forward(weight)
        ctx.save_for_backward(x, weight, ff)
        return layer.pass_ff(x, ff, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        layer, (x, weight, ff) = ctx.layer, ctx.saved_tensors
        method = layer.method
        dx = dw = db = None
        # All operands have one type: torch chooses how to compute by that of x.
        read_x = x.to(dy.dtype)
        if ctx.needs_input_grad[1]:
            pruned = method.output_gradient(dy, layer.channels)
            dx = layer.pass_bp(pruned, method.backward(weight, ff).to(dy.dtype), read_x).to(x.dtype)
        if ctx.needs_input_grad[2]:
            read = layer.wu_reads(dy)
            full = layer.pass_wu(read, read_x).to(weight.dtype)
            dw = method.weight_gradient(full, weight, ff)
        if ctx.needs_input_grad[3]:
            rows = dy.movedim(layer.channels, -1).reshape(-1, len(layer.bias))
            db = rows.sum(0).to(layer.bias.dtype)
        return None, dx, dw, db


class SparseLinear(SparseLayer, nn.Linear):
    channels = -1

    def pass_ff(self, x: torch.Tensor, weight: torch.Tensor,
                bias: torch.Tensor | None) -> torch.Tensor:
        return functional.linear(x, weight, bias)

    def pass_bp(self, dy: torch.Tensor, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return dy @ weight

    def pass_wu(self, dy: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return dy.reshape(-1, dy.shape[-1]).T @ x.reshape(-1, x.shape[-1])


class SparseConv2d(SparseLayer, nn.Conv2d):
    channels = -3

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Padding that is more than a number of zeros is done before the passes."""
        if self._pads():
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            x = functional.pad(x, self._reversed_padding_repeated_twice, mode=mode)
        if x.dim() == 3:
            return super().forward(x[None])[0]
        return super().forward(x)

    def _pads(self) -> bool:
        return isinstance(self.padding, str) or self.padding_mode != "zeros"

    def _geometry(self) -> tuple:
        return self.stride, (0, 0) if self._pads() else self.padding, self.dilation

    def pass_ff(self, x: torch.Tensor, weight: torch.Tensor,
                bias: torch.Tensor | None) -> torch.Tensor:
        return functional.conv2d(x, weight, bias, *self._geometry())

    def pass_bp(self, dy: torch.Tensor, weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        # As nn.grad.conv2d_input, which knows no layout of x and converts channels-last ones.
        return torch.ops.aten.convolution_backward(
            dy, x, weight, None, *self._geometry(), False, (0, 0), 1, (True, False, False))[0]

    def pass_wu(self, dy: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return nn.grad.conv2d_weight(x, self.weight.shape, dy, *self._geometry())


SPARSE: dict[type[nn.Module], type[SparseLayer]] = {
    nn.Linear: SparseLinear, nn.Conv2d: SparseConv2d}


def sparsify(model: nn.Module, nm: NmSpec, method: str = "bdwp", wu: NmSpec = None,
             wu_mode: str = "sample") -> nn.Module:
    """A copy of `model` whose Linear and Conv2d layers train N:M weights, in plain PyTorch.

    nm      "2:8" for all layers, or by module path: {"": "2:8", "conv1": "2:2"}, where a path holds
            for all below it and the longest wins; what is not named, and N = M, stays as it is
    method  of METHODS: "bdwp", or one to compare it with
    wu      of dY in the gradients of the weights, as nm; by default they are dense. Those of biases
            always are
    wu_mode "sample": N of M at random, with dY as mean and the least variance; "largest"

    Parameters and buffers are the model's own, not copies: an optimizer of either trains both, and
    a state_dict of one loads into the other. FF and BP compute with the copies that PRUNE would
    make of the weights now (`layer.ff()`, `layer.bp()`); activations and sums have the model's
    precision. CompileError names the module that cannot be pruned.
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is none of {', '.join(METHODS)}")
    sparsity = LayerSparsity(nm, wu, wu_mode)
    tensors = [*model.parameters(), *model.buffers()]
    made = copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})
    for path, layer in made.named_modules():
        if not isinstance(layer, OPAQUE):
            continue
        n, m, read = sparsity.of(path)
        if n == m and read is None:
            continue
        _check(path, layer)
        layer.__class__ = SPARSE[type(layer)]
        layer.method = (Method if n == m else METHODS[method])(n, m)
        layer.wu = None if read is None else GradientSelection(read.n, read.m, wu_mode)
    sparsity.check_used()
    return made


def _check(path: str, layer: nn.Module) -> None:
    """CompileError unless the passes of a SparseLayer are all that this one does."""
    kind = type(layer)
    if kind not in SPARSE:
        raise CompileError(path, f"weights of a {kind.__name__} are not pruned",
                           "use Linear and Conv2d themselves, or make it dense in nm")
    if getattr(layer, "groups", 1) != 1:
        raise CompileError(path, f"groups={layer.groups} is unsupported",
                           "use groups=1, or make it dense in nm")
