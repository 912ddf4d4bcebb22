# SPDX-License-Identifier: Apache-2.0
"""Training a multi-layer perceptron with BDWP: which commands make up a step.

One step is two programs. FF computes all activations. The host turns logits into the loss and its
gradient (FP16, times the loss scale, divided by the batch). The second program runs BP of all
layers, the bias gradients, a FENCE, and then weight gradients (WU) and updates: the UPDATE of a
layer runs beside the WU of the next. All BP come before the FENCE because only they can overflow;
the UPDATEs skip themselves if they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .backend import Result
from .core import Core
from .memory import FP16, FP32, Compressed, Tensor
from .program import Program

DENSE = (2, 2)
WU_ROWS = 128  # rows of a block of the last WU: the finest that suits index planes (64 bytes)


@dataclass(frozen=True)
class LayerSpec:
    """Shape and sparsity of a fully connected layer; N = M is dense."""

    inputs: int
    outputs: int
    n: int = DENSE[0]
    m: int = DENSE[1]


def mlp(sizes: Sequence[int], nm: tuple[int, int] = DENSE, dense_last: bool = True
        ) -> list[LayerSpec]:
    """Layers of the given sizes, all N:M but (usually) the last."""
    if len(sizes) < 2:
        raise ValueError(f"sizes: {list(sizes)} are too few for a layer")
    specs = [LayerSpec(i, o, *nm) for i, o in zip(sizes, sizes[1:])]
    if dense_last:
        specs[-1] = LayerSpec(specs[-1].inputs, specs[-1].outputs)
    return specs


@dataclass
class LossScale:
    """Dynamic loss scaling: halve after an overflow, double after `patience` good steps."""

    value: float = 1024.0
    patience: int = 200
    largest: float = 65536.0
    good_steps: int = 0

    def update(self, overflow: bool) -> None:
        if overflow:
            self.value, self.good_steps = max(1.0, self.value / 2), 0
            return
        self.good_steps += 1
        if self.good_steps >= self.patience:
            self.value, self.good_steps = min(self.largest, self.value * 2), 0


@dataclass
class Layer:
    """The tensors of a layer. `bp` is None in the first one if it sends no gradient back."""

    spec: LayerSpec
    w: Tensor
    v: Tensor
    dw: Tensor
    ff: Compressed
    bp: Compressed | None
    bias: Tensor
    bias_v: Tensor
    bias_dw: Tensor
    out: Tensor  # FP16 after ReLU, FP32 logits in the last layer
    d_out: Tensor  # gradient of the loss by the layer's sums, FP16

    def blocks(self, rows: int) -> list[slice]:
        """Row blocks of the weights."""
        return [slice(r, min(r + rows, self.spec.inputs)) for r in range(0, self.spec.inputs, rows)]


@dataclass
class StepResult:
    """One training step. `programs` holds the device's result per program (pass)."""

    loss: float
    correct: int
    skipped: bool
    programs: dict[str, Result] = field(default_factory=dict)

    @property
    def cycles(self) -> int:
        return sum(result.cycles for result in self.programs.values())


class Mlp:
    """An MLP with ReLU and softmax cross-entropy on a core, trained by momentum SGD.

    Hidden layers start with He-normal weights drawn from `rng`. With `input_gradient` the first
    layer runs its BP too, as if there were more layers before it.
    """

    def __init__(self, core: Core, specs: Sequence[LayerSpec], batch: int,
                 rng: np.random.Generator, lr: float = 0.1, momentum: float = 0.9,
                 scale: LossScale | None = None, input_gradient: bool = False):
        for before, after in zip(specs, specs[1:]):
            if before.outputs != after.inputs:
                raise ValueError(f"specs: a layer of {before.outputs} outputs is followed by one "
                                 f"of {after.inputs} inputs")
        self.core, self.batch, self.lr, self.momentum = core, batch, lr, momentum
        self.scale = scale or LossScale()
        self.x = core.tensor("x", (batch, specs[0].inputs), FP16)
        self.ones = core.from_array("ones", np.ones((1, batch), np.float16))
        self.d_x = core.tensor("d_x", self.x.shape, FP16) if input_gradient else None
        self.layers = [self._layer(index, spec, index == len(specs) - 1, rng)
                       for index, spec in enumerate(specs)]
        self._forward = self._forward_program(self.x, [layer.out for layer in self.layers])
        self._evaluators: dict[int, tuple[Tensor, Tensor, Program]] = {}
        self._backward: dict[tuple[float, float], dict[str, Program]] = {}
        core.run(self._prune_program())

    def _layer(self, index: int, spec: LayerSpec, last: bool, rng: np.random.Generator) -> Layer:
        core, name = self.core, f"layer{index}"
        shape = spec.inputs, spec.outputs
        gain = 1.0 if last else 2.0
        weights = rng.standard_normal(shape) * np.sqrt(gain / spec.inputs)

        def zeros(part: str, shape: tuple[int, int]) -> Tensor:
            return core.from_array(f"{name}.{part}", np.zeros(shape, np.float32))

        return Layer(
            spec,
            w=core.from_array(f"{name}.w", weights.astype(np.float32)),
            v=zeros("v", shape),
            dw=zeros("dw", shape),
            ff=core.compressed(f"{name}.w_ff", shape, spec.n, spec.m),
            bp=core.compressed(f"{name}.w_bp", shape[::-1], spec.n, spec.m)
            if index or self.d_x else None,
            bias=zeros("bias", (1, spec.outputs)),
            bias_v=zeros("bias_v", (1, spec.outputs)),
            bias_dw=zeros("bias_dw", (1, spec.outputs)),
            out=core.tensor(f"{name}.out", (self.batch, spec.outputs), FP32 if last else FP16),
            d_out=core.tensor(f"{name}.d_out", (self.batch, spec.outputs), FP16))

    def _prune_program(self) -> Program:
        program = self.core.program()
        for layer in self.layers:
            program.prune(layer.w, ff=layer.ff, bp=layer.bp)
        return program

    def _forward_program(self, x: Tensor, outs: list[Tensor]) -> Program:
        program = self.core.program()
        for layer, source, out in zip(self.layers, [x, *outs], outs):
            program.matmul(source, layer.ff, out, bias=layer.bias, relu=out.format is FP16,
                           label=f"FF {out.name}")
        return program

    def _inputs(self) -> list[Tensor]:
        """What each layer reads in FF."""
        return [self.x, *(layer.out for layer in self.layers[:-1])]

    def _add_bp(self, program: Program) -> None:
        for below, layer in reversed(list(zip(self.layers, self.layers[1:]))):
            program.matmul(layer.d_out, layer.bp, below.d_out, mask=below.out,
                           label=f"BP {below.d_out.name}")
        if self.d_x:
            program.matmul(self.layers[0].d_out, self.layers[0].bp, self.d_x, label="BP d_x")

    def _add_bias_gradients(self, program: Program) -> None:
        for layer in self.layers:
            program.matmul(self.ones, layer.d_out, layer.bias_dw, label=f"WU {layer.bias_dw.name}")

    def _add_bias_updates(self, program: Program, skip: bool) -> None:
        for layer in self.layers:
            program.update(layer.bias, layer.bias_v, layer.bias_dw, lr=self.lr,
                           momentum=self.momentum, inv_scale=1 / self.scale.value,
                           skip_on_overflow=skip)

    def _add_wu(self, program: Program, layer: Layer, source: Tensor, rows: slice) -> None:
        dw = layer.dw[rows, :]
        program.matmul(source[:, rows], layer.d_out, dw, a_trans=True, label=f"WU {dw.name}")

    def _add_update(self, program: Program, layer: Layer, rows: slice, skip: bool) -> None:
        w, v, dw = (tensor[rows, :] for tensor in (layer.w, layer.v, layer.dw))
        program.update(w, v, dw, lr=self.lr, momentum=self.momentum,
                       inv_scale=1 / self.scale.value, ff=layer.ff[rows, :],
                       bp=layer.bp and layer.bp[:, rows], skip_on_overflow=skip)

    def _wu_blocks(self) -> list[tuple[Layer, Tensor, slice]]:
        """(layer, input, rows) in the order of the WUs: the last one small, since only its UPDATE
        has nothing to hide under."""
        order = sorted(zip(self.layers, self._inputs()),
                       key=lambda pair: -pair[0].spec.inputs * pair[0].spec.outputs)
        blocks = [(layer, source, slice(0, layer.spec.inputs)) for layer, source in order[:-1]]
        layer, source = order[-1]
        return blocks + [(layer, source, rows) for rows in layer.blocks(WU_ROWS)]

    def _backward_program(self) -> Program:
        """The second program of a step. Each UPDATE is issued after the next WU, beside which it
        runs."""
        program = self.core.program()
        self._add_bp(program)
        self._add_bias_gradients(program)
        program.fence()
        blocks = self._wu_blocks()
        self._add_wu(program, *blocks[0])
        self._add_bias_updates(program, skip=True)
        for (layer, _, rows), following in zip(blocks, blocks[1:]):
            self._add_wu(program, *following)
            self._add_update(program, layer, rows, skip=True)
        layer, _, rows = blocks[-1]
        self._add_update(program, layer, rows, skip=True)
        return program

    def _pass_programs(self) -> dict[str, Program]:
        """The second program taken apart, one program per pass, to measure each alone."""
        programs = {name: self.core.program() for name in ("BP", "WU", "UPDATE")}
        self._add_bp(programs["BP"])
        self._add_bias_gradients(programs["WU"])
        self._add_bias_updates(programs["UPDATE"], skip=False)
        for layer, source, rows in self._wu_blocks():
            self._add_wu(programs["WU"], layer, source, rows)
            self._add_update(programs["UPDATE"], layer, rows, skip=False)
        return {name: program for name, program in programs.items() if len(program)}

    @property
    def macs(self) -> int:
        """Multiplies that one step needs at the layers' N:M."""
        return self._forward.macs + self._backward_program().macs

    def pass_macs(self) -> dict[str, int]:
        """The same, per pass."""
        return {"FF": self._forward.macs,
                **{name: program.macs for name, program in self._pass_programs().items()}}

    def train_step(self, x: np.ndarray, labels: np.ndarray, split: bool = False) -> StepResult:
        """One step on a batch: x float16 [batch][inputs], labels integers [batch].

        With `split` each pass is its own program, so that it is measured alone; the bits are the
        same.
        """
        self._check_batch(x, labels)
        self.x.write(x)
        programs = {"FF": self.core.run(self._forward)}
        logits = self.layers[-1].out.read()
        probabilities = softmax(logits)
        loss = float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels],
                                        1e-30)).mean())
        gradient = probabilities
        gradient[np.arange(len(labels)), labels] -= 1
        with np.errstate(over="ignore"):
            gradient = (gradient * (self.scale.value / self.batch)).astype(np.float16)
        correct = int((logits.argmax(1) == labels).sum())
        overflow = programs["FF"].overflow or not np.isfinite(gradient).all()
        if not overflow:
            self.layers[-1].d_out.write(gradient)
            if split:
                overflow = self._run_split(programs)
            else:
                programs["BP+WU+UPDATE"] = self.core.run(self._cached("all"))
                overflow = programs["BP+WU+UPDATE"].overflow
        self.scale.update(overflow)
        return StepResult(loss, correct, overflow, programs)

    def _run_split(self, results: dict[str, Result]) -> bool:
        for name in ("BP", "WU", "UPDATE"):
            program = self._cached(name)
            if program is None:
                continue
            results[name] = self.core.run(program)
            if results[name].overflow:
                return True
        return False

    def _cached(self, name: str) -> Program | None:
        """A backward program for the present loss scale and learning rate."""
        key = self.scale.value, self.lr
        if key not in self._backward:
            self._backward[key] = {"all": self._backward_program(), **self._pass_programs()}
        return self._backward[key].get(name)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits [rows][classes] of any number of rows, computed on the core."""
        if x.shape[0] not in self._evaluators:
            rows = x.shape[0]
            source = self.core.tensor("eval.x", (rows, self.x.cols), FP16)
            outs = [self.core.tensor(f"eval.{layer.out.name}", (rows, layer.spec.outputs),
                                     layer.out.format) for layer in self.layers]
            self._evaluators[rows] = source, outs[-1], self._forward_program(source, outs)
        source, logits, program = self._evaluators[x.shape[0]]
        source.write(x)
        self.core.run(program)
        return logits.read()

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of rows whose largest logit is that of the label."""
        return float((self.predict(x).argmax(1) == labels).mean())

    def _check_batch(self, x: np.ndarray, labels: np.ndarray) -> None:
        if x.shape != self.x.shape:
            raise ValueError(f"x: shape {x.shape}, but must be {self.x.shape}")
        classes = self.layers[-1].spec.outputs
        if labels.shape != (self.batch,) or labels.min() < 0 or labels.max() >= classes:
            raise ValueError(f"labels: {self.batch} classes in 0..{classes - 1} are needed")


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise softmax in float64."""
    with np.errstate(invalid="ignore"):
        exps = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        return exps / exps.sum(axis=1, keepdims=True)
