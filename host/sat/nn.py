# SPDX-License-Identifier: Apache-2.0
"""Training a multi-layer perceptron with BDWP: which commands make up a step.

One step is two programs. FF computes all activations. The host turns logits into the loss and its
gradient (FP16, times the loss scale, divided by the batch). The second program runs BP of all
layers, a FENCE, and then gradients (WU) and updates: one UPDATE runs beside the WU of the next. All
BP come before the FENCE because only they can overflow; the UPDATEs skip themselves if they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sat_golden.defs import TENSOR_ALIGN

from .backend import Result
from .config import SatConfig
from .core import Core
from .memory import FP16, FP32, INDEX, Compressed, Tensor
from .program import Program
from .schedule import (
    ARRAY,
    UPDATE_TILE,
    Job,
    choose_map,
    estimate_cycles,
    estimate_update_cycles,
    interleave,
    order_jobs,
)

DENSE = (2, 2)
WORTH_A_CUT = 0.97  # share of the estimated cycles below which more commands pay


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
    """The tensors of a layer. `bp` is None in the first one if it sends no gradient back.

    UPDATE works on tiles of 16 x 16, so it sees a bias folded into rows of 16: the same memory.
    """

    spec: LayerSpec
    w: Tensor
    v: Tensor
    dw: Tensor
    ff: Compressed
    bp: Compressed | None
    bias: Tensor
    bias_dw: Tensor
    bias_folded: Tensor
    bias_v: Tensor
    bias_dw_folded: Tensor
    out: Tensor  # FP16 after ReLU, FP32 logits in the last layer
    d_out: Tensor  # gradient of the loss by the layer's sums, FP16

    @property
    def block_rows(self) -> int:
        """The smallest block of rows whose WU and UPDATE can be commands of their own: columns of
        the input, and of the transposed copy, must start on a 64-byte line."""
        has_indices = self.bp is not None and self.bp.indices is not None
        return 8 * TENSOR_ALIGN // (INDEX if has_indices else FP16).bits


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


@dataclass(frozen=True)
class Gradient:
    """Arguments of the MATMUL that makes a gradient, and of the UPDATE that uses it."""

    matmul: dict[str, Any]
    update: dict[str, Any]


def _job(config: SatConfig, a: Tensor, d_out: Tensor, dw: Tensor, update: dict[str, Any],
         a_trans: bool = True, update_dw: Tensor | None = None) -> Job:
    shape = *dw.shape, d_out.rows, *DENSE
    cycles = estimate_cycles(config, *shape, choose_map(config, *shape))
    dense_copies = sum(copy is not None and copy.indices is None
                       for copy in (update.get("ff"), update.get("bp")))
    gradient = Gradient(dict(a=a, s=d_out, out=dw, a_trans=a_trans),
                        dict(update, dw=update_dw or dw))
    return Job(cycles, estimate_update_cycles(*update["w"].shape, dense_copies), gradient)


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

        folded = -(-spec.outputs // UPDATE_TILE), UPDATE_TILE
        bias, bias_dw = zeros("bias", folded), zeros("bias_dw", folded)

        return Layer(
            spec,
            w=core.from_array(f"{name}.w", weights.astype(np.float32)),
            v=zeros("v", shape),
            dw=zeros("dw", shape),
            ff=core.compressed(f"{name}.w_ff", shape, spec.n, spec.m),
            bp=core.compressed(f"{name}.w_bp", shape[::-1], spec.n, spec.m)
            if index or self.d_x else None,
            bias=bias.as_row(spec.outputs),
            bias_dw=bias_dw.as_row(spec.outputs),
            bias_folded=bias,
            bias_v=zeros("bias_v", folded),
            bias_dw_folded=bias_dw,
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

    def _gradient_commands(self) -> list[tuple[str, Job]]:
        """WU and UPDATE of all layers in the best order; a layer is cut into blocks if that
        helps."""
        split = [False] * len(self.layers)
        best = interleave(order_jobs(self._jobs(split)))
        for index in range(len(split)):
            trial = [*split[:index], True, *split[index + 1 :]]
            plan = interleave(order_jobs(self._jobs(trial)))
            if plan[1] < WORTH_A_CUT * best[1]:
                best, split = plan, trial
        return best[0]

    def _jobs(self, split: list[bool]) -> list[Job]:
        jobs = []
        config = self.core.backend.config
        for cut, layer, source in zip(split, self.layers, self._inputs()):
            size = layer.block_rows if cut else layer.spec.inputs
            for start in range(0, layer.spec.inputs, size):
                rows = slice(start, min(start + size, layer.spec.inputs))
                jobs.append(_job(config, source[:, rows], layer.d_out, layer.dw[rows, :],
                                 dict(w=layer.w[rows, :], v=layer.v[rows, :],
                                      ff=layer.ff[rows, :], bp=layer.bp and layer.bp[:, rows])))
            jobs.append(_job(config, self.ones, layer.d_out, layer.bias_dw,
                             dict(w=layer.bias_folded, v=layer.bias_v), a_trans=False,
                             update_dw=layer.bias_dw_folded))
        return jobs

    def _add_wu(self, program: Program, job: Job) -> None:
        arguments = job.work.matmul
        program.matmul(**arguments, label=f"WU {arguments['out'].name}")

    def _add_update(self, program: Program, job: Job, skip: bool) -> None:
        program.update(**job.work.update, lr=self.lr, momentum=self.momentum,
                       inv_scale=1 / self.scale.value, skip_on_overflow=skip)

    def _backward_program(self) -> Program:
        """The second program of a step."""
        program = self.core.program()
        self._add_bp(program)
        program.fence()
        for engine, job in self._gradient_commands():
            if engine is ARRAY:
                self._add_wu(program, job)
            else:
                self._add_update(program, job, skip=True)
        return program

    def _pass_programs(self) -> dict[str, Program]:
        """The second program taken apart, one program per pass, to measure each alone."""
        programs = {name: self.core.program() for name in ("BP", "WU", "UPDATE")}
        self._add_bp(programs["BP"])
        for engine, job in self._gradient_commands():
            if engine is ARRAY:
                self._add_wu(programs["WU"], job)
            else:
                self._add_update(programs["UPDATE"], job, skip=False)
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
