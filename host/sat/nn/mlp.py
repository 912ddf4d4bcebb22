# SPDX-License-Identifier: Apache-2.0
"""Training a multi-layer perceptron with BDWP: which commands make up a step.

One step is two programs. FF computes all activations. The host turns logits into the loss and its
gradient (FP16, times the loss scale, divided by the batch). The second program runs BP of all
layers, a FENCE, and then gradients (WU) and updates: one UPDATE runs beside the WU of the next. All
BP come before the FENCE because only they can overflow; the UPDATEs skip themselves if they did.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sat_golden.layers import LossScale

from ..backend import Result
from ..core import Core
from ..memory import FP16, Tensor
from ..plan import ARRAY, Job
from ..program import Program
from .gradients import WORTH_A_CUT, Order, Sgd, add_gradients, plan
from .layers import DENSE, LayerSpec, Linear
from .loss import check_labels, cross_entropy
from .script import StepResult


def mlp(sizes: Sequence[int], nm: tuple[int, int] = DENSE, dense_last: bool = True
        ) -> list[LayerSpec]:
    """Layers of the given sizes, all N:M but (usually) the last."""
    if len(sizes) < 2:
        raise ValueError(f"sizes: {list(sizes)} are too few for a layer")
    specs = [LayerSpec(i, o, *nm) for i, o in zip(sizes, sizes[1:])]
    if dense_last:
        specs[-1] = LayerSpec(specs[-1].inputs, specs[-1].outputs)
    return specs


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
        self.layers = [Linear(core, f"layer{index}", spec, batch, rng,
                              logits=index == len(specs) - 1, bp=index > 0 or input_gradient)
                       for index, spec in enumerate(specs)]
        self._forward = self._forward_program(self.x, [layer.out for layer in self.layers])
        self._evaluators: dict[int, tuple[Tensor, Tensor, Program]] = {}
        self._backward: dict[tuple[float, float], dict[str, Program]] = {}
        core.run(self._prune_program())

    def _prune_program(self) -> Program:
        program = self.core.program()
        for layer in self.layers:
            layer.prune(program)
        return program

    def _forward_program(self, x: Tensor, outs: list[Tensor]) -> Program:
        program = self.core.program()
        for layer, source, out in zip(self.layers, [x, *outs], outs):
            layer.forward(program, source, out)
        return program

    def _inputs(self) -> list[Tensor]:
        """What each layer reads in FF."""
        return [self.x, *(layer.out for layer in self.layers[:-1])]

    def _add_bp(self, program: Program) -> None:
        for below, layer in reversed(list(zip(self.layers, self.layers[1:]))):
            layer.backward(program, below.d_out, mask=below.out)
        if self.d_x:
            self.layers[0].backward(program, self.d_x)

    def _gradient_order(self) -> Order:
        """WU and UPDATE of all layers in the best order; a layer is cut into blocks if that
        helps."""
        cuts = [False] * len(self.layers)
        best = plan(self._jobs(cuts))
        for index in range(len(cuts)):
            trial = [*cuts[:index], True, *cuts[index + 1 :]]
            candidate = plan(self._jobs(trial))
            if candidate[1] < WORTH_A_CUT * best[1]:
                best, cuts = candidate, trial
        return best[0]

    def _jobs(self, cuts: list[bool]) -> list[Job]:
        config = self.core.backend.config
        return [gradient.job(config)
                for cut, layer, source in zip(cuts, self.layers, self._inputs())
                for gradient in layer.gradients(source, self.ones, cut)]

    @property
    def _sgd(self) -> Sgd:
        return Sgd(self.lr, self.momentum, 1 / self.scale.value)

    def _backward_program(self) -> Program:
        """The second program of a step."""
        program = self.core.program()
        self._add_bp(program)
        program.fence()
        add_gradients(program, self._gradient_order(), self._sgd, skip=True)
        return program

    def _pass_programs(self) -> dict[str, Program]:
        """The second program taken apart, one program per pass, to measure each alone."""
        programs = {name: self.core.program() for name in ("BP", "WU", "UPDATE")}
        self._add_bp(programs["BP"])
        order = self._gradient_order()
        for name, in_array in (("WU", True), ("UPDATE", False)):
            part = [entry for entry in order if (entry[0] is ARRAY) == in_array]
            add_gradients(programs[name], part, self._sgd, skip=False)
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
        loss = cross_entropy(self.layers[-1].out.read(), labels, self.scale.value)
        overflow = programs["FF"].overflow or loss.overflow
        if not overflow:
            self.layers[-1].d_out.write(loss.gradient)
            if split:
                overflow = self._run_split(programs)
            else:
                programs["BP+WU+UPDATE"] = self.core.run(self._cached("all"))
                overflow = programs["BP+WU+UPDATE"].overflow
        self.scale.update(overflow)
        return StepResult(loss.value, loss.correct, overflow, programs)

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
        check_labels(labels, self.batch, self.layers[-1].spec.outputs)
