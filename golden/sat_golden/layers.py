# SPDX-License-Identifier: Apache-2.0
"""BDWP training steps, made of nothing but the core's commands (Fang et al., TCAD 2023).

A fully connected layer computes Y [B][J] = X [B][K] . W [K][J] + b. Its three passes are MATMULs:

    FF  Y  = X . W_FF           W pruned N:M along K
    BP  dX = dY . W_BP          W transposed, pruned N:M along J; masked by the layer below
    WU  dW = X^T . dY           dense; goes straight to the dense master weights

A convolution is the same with windows of a feature map in place of A, and with weights
W [P*C][J] that are pruned at each of the P kernel positions by itself.

Softmax, loss and loss scale run on the host, in float64. Everything else is bit patterns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .arguments import check_matrix, check_shape, integer
from .command_model import has_overflow
from .compress import Planes
from .convolve import conv
from .defs import SIZE_MAX
from .fp_mode import exact
from .multiply import matmul
from .vector import as_bits
from .weights import Copies, prune, update
from .windows import Windows

ONE_FP16 = 0x3C00
LOST_WEIGHTS = "the update overflowed: weights are NaN, infinite, or beyond FP16"


@exact()
def fp32(value: float, name: str = "value") -> int:
    """A Python number as an FP32 pattern. ValueError, with its name, if it is not finite as such,
    or is zero only as such; TypeError if it is no number."""
    try:
        number = float(value)
    except OverflowError:  # of an int
        number = np.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name}: {value!r} is no number") from None
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.float32(number)
    if not np.isfinite(rounded):
        raise ValueError(f"{name}: {value} is not a finite number in FP32")
    if rounded == 0 and number != 0:
        raise ValueError(f"{name}: {value} is zero in FP32")
    return int(rounded.view(np.uint32))


class TrainingDiverged(ArithmeticError):
    """Training cannot go on: weights are lost, or steps overflow whatever the loss scale."""


@dataclass
class LossScale:
    """Dynamic loss scaling: halve after a step that was skipped for an overflow, double after
    `patience` good steps. It never falls below 1: where a step overflows even there, gradients
    are not to blame, and TrainingDiverged is raised.

    bad_steps  skipped ones in a row
    """

    value: float = 1024.0
    patience: int = 200
    largest: float = 65536.0
    good_steps: int = 0
    bad_steps: int = 0

    def __post_init__(self):
        for name in ("value", "largest"):
            if not 1 <= getattr(self, name) <= 2.0**126:
                raise ValueError(f"{name}: {getattr(self, name)} is not in 1..2^126, where the "
                                 "inverse is a normal number in FP32")
        if self.patience < 1:
            raise ValueError(f"patience: {self.patience} is not positive")

    def update(self, overflow: bool) -> None:
        if overflow:
            self.bad_steps += 1
            if self.value <= 1:
                raise TrainingDiverged(
                    f"a step overflowed at a loss scale of {self.value:g}, the last of "
                    f"{self.bad_steps} in a row: inputs, activations or weights are too large")
            self.value, self.good_steps = max(1.0, self.value / 2), 0
            return
        self.bad_steps = 0
        self.good_steps += 1
        if self.good_steps >= self.patience:
            self.value, self.good_steps = min(self.largest, self.value * 2), 0


@dataclass(frozen=True)
class Sgd:
    """Scalars of momentum SGD; `decay` applies to weights, not to the bias. ValueError for what
    FP32 does not hold."""

    lr: float = 0.1
    momentum: float = 0.9
    decay: float | None = None

    def __post_init__(self):
        for name in ("lr", "momentum", "decay"):
            value = getattr(self, name)
            if name != "decay" or value is not None:
                fp32(value, name)
                if value < 0:
                    raise ValueError(f"{name}: {value} is negative")

    @exact()
    def update(self, weights: np.ndarray, velocity: np.ndarray, gradient: np.ndarray,
               loss_scale: float, decay: bool) -> tuple[np.ndarray, np.ndarray]:
        return update(
            weights, velocity, gradient, inv_scale=fp32(1 / loss_scale, "loss_scale"),
            momentum=fp32(self.momentum), lr=fp32(self.lr),
            decay=fp32(self.decay) if decay and self.decay is not None else None,
        )


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
    copies: Copies = field(init=False)

    def __post_init__(self):
        self.velocity = np.zeros_like(self.weights)
        self.bias = np.zeros((1, self.weights.shape[1]), np.uint32)
        self.bias_velocity = np.zeros_like(self.bias)
        self.copies = self._prune()

    def _prune(self) -> Copies:
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

    def step(self, dw: np.ndarray, db: np.ndarray, sgd: Sgd, loss_scale: float) -> bool:
        """UPDATE of weights and bias, and new pruned copies. True if something overflowed."""
        self.weights, self.velocity = sgd.update(
            self.weights, self.velocity, dw, loss_scale, decay=True)
        self.bias, self.bias_velocity = sgd.update(
            self.bias, self.bias_velocity, db, loss_scale, decay=False)
        self.copies = self._prune()
        return any(has_overflow(bits) for bits in (
            self.weights, self.velocity, self.bias, self.bias_velocity, self.copies.ff.values,
            self.copies.bp.values))


def bias_gradient(d_out: np.ndarray) -> np.ndarray:
    """uint16 [B][J] -> uint32 [1][J]: a product with a row of ones."""
    ones = np.full((1, d_out.shape[0]), ONE_FP16, np.uint16)
    return matmul(ones, d_out, out_fp32=True)


@dataclass
class ConvBdwp(LinearBdwp):
    """A convolution of C channels to J with N:M weights, on feature maps of one shape.

    weights, velocity            uint32 [P*C][J]
    copies                       W_FF with the planes of the positions one behind the other, W_BP
                                 with the same in reverse order, as BP's windows visit them
    windows                      those of FF
    """

    windows: Windows

    def _prune(self) -> Copies:
        """As one PRUNE or UPDATE per kernel position writes them."""
        copies = [prune(weights, self.n, self.m)
                  for weights in np.split(self.weights, self.windows.positions)]
        return Copies(stack([copy.ff for copy in copies]),
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


@dataclass(frozen=True)
class Step:
    """Outcome of a training step; a skipped one changed nothing but the loss scale."""

    loss: float
    correct: int
    skipped: bool


@dataclass
class MlpBdwp:
    """Fully connected layers with ReLU between them and softmax cross-entropy at the end."""

    layers: list[LinearBdwp]
    sgd: Sgd = Sgd()
    scale: LossScale = field(default_factory=LossScale)

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

    @exact()
    def train_step(self, x: np.ndarray, labels: np.ndarray) -> Step:
        """One step on a batch: x uint16 [B][K], labels integers [B].

        Weights are updated only if no activation and no gradient overflowed. That is known before
        the first weight gradient, which cannot overflow itself: dW of finite operands is finite.
        If the update itself overflows, the weights are lost: TrainingDiverged.
        """
        inputs, logits = self.forward(x)
        loss, gradient = cross_entropy(logits, labels, self.scale.value)
        d_outs = self.backward(inputs, gradient)
        overflow = any(has_overflow(bits) for bits in (*inputs[1:], logits, *d_outs))
        if not overflow:
            lost = [layer.step(*layer.gradients(source, d_out), self.sgd, self.scale.value)
                    for layer, source, d_out in zip(self.layers, inputs, d_outs)]
            if any(lost):
                raise TrainingDiverged(LOST_WEIGHTS)
        self.scale.update(overflow)
        return Step(loss, int((logits.view(np.float32).argmax(1) == labels).sum()), overflow)

    @exact()
    def predict(self, x: np.ndarray) -> np.ndarray:
        """uint16 [B][K] -> class of each row."""
        return self.forward(x)[1].view(np.float32).argmax(1)


@exact()
def cross_entropy(logits: np.ndarray, labels: np.ndarray,
                  loss_scale: float) -> tuple[float, np.ndarray]:
    """Mean loss of FP32 logits (uint32 [B][classes]), and its gradient by the logits, times
    `loss_scale`, as FP16 (uint16). Computed in float64 on the host and rounded once. `labels` are
    integers [B], each a class."""
    rows, classes = check_matrix("logits", as_bits("logits", logits, np.uint32)).shape
    labels = np.asarray(labels)
    check_shape("labels", labels, (rows,))
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: each must be an integer in 0..{classes - 1}")
    values = logits.view(np.float32).astype(np.float64)
    rows = np.arange(len(labels))
    exps = np.exp(values - values.max(axis=1, keepdims=True))
    probabilities = exps / exps.sum(axis=1, keepdims=True)
    loss = float(-np.log(np.maximum(probabilities[rows, labels], 1e-30)).mean())
    probabilities[rows, labels] -= 1
    gradient = (probabilities * (loss_scale / len(labels))).astype(np.float16)
    return loss, gradient.view(np.uint16)


@exact()
def he_normal(rng: np.random.Generator, inputs: int, outputs: int, gain: float = 2.0) -> np.ndarray:
    """Initial weights uint32 [inputs][outputs]; a gain of 2 suits a layer before a ReLU."""
    for name, size in (("inputs", inputs), ("outputs", outputs)):
        integer(name, size, 1, SIZE_MAX)
    weights = rng.standard_normal((inputs, outputs)) * np.sqrt(gain / inputs)
    return weights.astype(np.float32).view(np.uint32)
