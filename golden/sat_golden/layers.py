# SPDX-License-Identifier: Apache-2.0
"""BDWP layers on arrays, made of nothing but the core's commands (Fang et al., TCAD 2023).

A fully connected layer computes Y [B][J] = X [B][K] . W [K][J] + b. Its three passes are MATMULs:

    FF  Y  = X . W_FF           W pruned N:M along K
    BP  dX = dY . W_BP          W transposed, pruned N:M along J; masked by the layer below
    WU  dW = X^T . dY           dense; goes straight to the dense master weights

A convolution is the same with windows of a feature map in place of A, and with weights
W [P*C][J] that are pruned at each of the P kernel positions by itself.

Everything is bit patterns. Loss, loss scale and rates are the trainer's (sat.nn): a step takes the
scalars of UPDATE as they stand in a descriptor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .command_model import has_overflow
from .compress import Planes
from .convolve import conv
from .feature import stats
from .multiply import matmul
from .weights import BothCopies, prune, update
from .windows import Windows


@dataclass
class LinearBdwp:
    """A fully connected layer with N:M weights; N = M is dense.

    weights, velocity            uint32 [K][J]: FP32 master weights and their momentum
    bias, bias_velocity          uint32 [1][J]
    copies                       what FF and BP read, made again by each `step`
    """

    weights: np.ndarray
    n: int
    m: int
    bias: np.ndarray = field(init=False)
    velocity: np.ndarray = field(init=False)
    bias_velocity: np.ndarray = field(init=False)
    copies: BothCopies = field(init=False)

    def __post_init__(self):
        self.velocity = np.zeros_like(self.weights)
        self.bias = np.zeros((1, self.weights.shape[1]), np.uint32)
        self.bias_velocity = np.zeros_like(self.bias)
        self.copies = self._prune()

    def _prune(self) -> BothCopies:
        return prune(self.weights, self.n, self.m)

    def _multiply(self, a: np.ndarray, planes: Planes, **epilogue) -> np.ndarray:
        return matmul(a, planes.values, planes.indices, self.n, self.m, **epilogue)

    def forward(self, x: np.ndarray, *, relu: bool, out_fp32: bool = False) -> np.ndarray:
        """FF: uint16 [B][K] -> [B][J], uint16 or with `out_fp32` uint32."""
        return self._multiply(x, self.copies.ff, bias=self.bias, relu=relu, out_fp32=out_fp32)

    def backward(self, d_out: np.ndarray, below: np.ndarray) -> np.ndarray:
        """BP: gradient uint16 [B][J] -> gradient uint16 [B][K] of the sums of the layer below,
        whose stored ReLU output is `below`."""
        return self._multiply(d_out, self.copies.bp, mask=below)

    def gradients(self, x: np.ndarray, d_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """WU: (dW uint32 [K][J], db uint32 [1][J])."""
        return matmul(x, d_out, a_trans=True, out_fp32=True), bias_gradient(d_out)

    def step(self, dw: np.ndarray, db: np.ndarray, *, inv_scale: int, momentum: int, lr: int,
             decay: int | None = None) -> bool:
        """UPDATE of weights and bias, and new pruned copies; the scalars are FP32 patterns, and the
        bias does not decay. True if something overflowed."""
        scalars = dict(inv_scale=inv_scale, momentum=momentum, lr=lr)
        self.weights, self.velocity = update(self.weights, self.velocity, dw, decay=decay,
                                             **scalars)
        self.bias, self.bias_velocity = update(self.bias, self.bias_velocity, db, **scalars)
        self.copies = self._prune()
        return any(has_overflow(bits) for bits in (
            self.weights, self.velocity, self.bias, self.bias_velocity, self.copies.ff.values,
            self.copies.bp.values))


def bias_gradient(d_out: np.ndarray) -> np.ndarray:
    """uint16 [B][J] -> uint32 [1][J]: sums of the columns, as STATS makes them."""
    return stats(d_out)[0]


@dataclass
class ConvBdwp(LinearBdwp):
    """A convolution of C channels to J with N:M weights, on feature maps of one shape.

    weights, velocity            uint32 [P*C][J]
    copies                       W_FF with the planes of the positions one behind the other, W_BP
                                 with the same in reverse order, as BP's windows visit them
    windows                      those of FF
    """

    windows: Windows

    def _prune(self) -> BothCopies:
        """As one PRUNE or UPDATE per kernel position writes them."""
        copies = [prune(weights, self.n, self.m)
                  for weights in np.split(self.weights, self.windows.positions)]
        return BothCopies(stack([copy.ff for copy in copies]),
                          stack([copy.bp for copy in reversed(copies)]))

    def forward(self, x: np.ndarray, *, relu: bool, out_fp32: bool = False) -> np.ndarray:
        """FF: uint16 [pixels][C] -> [windows][J], uint16 or with `out_fp32` uint32."""
        return conv(x, self.windows, self.copies.ff.values, self.copies.ff.indices, self.n, self.m,
                    bias=self.bias, relu=relu, out_fp32=out_fp32)

    def backward(self, d_out: np.ndarray, below: np.ndarray) -> np.ndarray:
        """BP: gradient uint16 [windows][J] -> gradient uint16 [pixels][C] of the sums of the layer
        below, whose stored ReLU output is `below`."""
        return conv(d_out, self.windows.transposed(), self.copies.bp.values, self.copies.bp.indices,
                    self.n, self.m, mask=below)

    def gradients(self, x: np.ndarray, d_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """WU: (dW uint32 [P*C][J], db uint32 [1][J])."""
        dw = conv(x, self.windows, d_out, a_trans=True, out_fp32=True)
        return dw, bias_gradient(d_out)


def stack(planes: list[Planes]) -> Planes:
    """Planes of kernel positions as operand S takes them."""
    indices = [p.indices for p in planes if p.indices is not None]
    return Planes(np.concatenate([p.values for p in planes]),
                  np.concatenate(indices) if indices else None)


@dataclass
class MlpBdwp:
    """Fully connected layers with ReLU between them."""

    layers: list[LinearBdwp]

    def forward(self, x: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """uint16 [B][K] -> (the input of each layer, the logits uint32 [B][classes])."""
        inputs = [x]
        for layer in self.layers[:-1]:
            inputs.append(layer.forward(inputs[-1], relu=True))
        return inputs, self.layers[-1].forward(inputs[-1], relu=False, out_fp32=True)

    def backward(self, inputs: list[np.ndarray], d_logits: np.ndarray) -> list[np.ndarray]:
        """Gradient of the logits, uint16 -> the gradient at the output of each layer."""
        d_outs = [d_logits]
        for layer, below in zip(self.layers[:0:-1], inputs[:0:-1]):
            d_outs.insert(0, layer.backward(d_outs[0], below))
        return d_outs

    def step(self, inputs: list[np.ndarray], d_outs: list[np.ndarray], **scalars: int) -> bool:
        """WU and UPDATE of all layers, whose arguments the scalars are. True if something
        overflowed: an update, as dW of finite operands is finite."""
        lost = False
        for layer, source, d_out in zip(self.layers, inputs, d_outs):
            dw, db = layer.gradients(source, d_out)
            lost |= layer.step(dw, db, **scalars)
        return lost
