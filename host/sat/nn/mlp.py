# SPDX-License-Identifier: Apache-2.0
"""Training a multi-layer perceptron with BDWP: which commands make up a step.

One step is two programs. FF computes all activations. The host turns logits into the loss and its
gradient (FP16, times the loss scale, divided by the batch). The second program runs BP of all
layers, a FENCE, and then gradients (WU) and updates: one UPDATE runs beside the WU of the next. All
BP come before the FENCE because only they can overflow; the UPDATEs skip themselves if they did.

Of a step of several micro-batches only the last has updates; the others' second programs are BP and
WU, and each adds to the gradients of those before it: those of biases too, which the array then
makes with a row of ones. Else they are sums that come with BP, and the host's of the logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

import numpy as np

from ..backend import Result
from ..core import Core
from ..memory import FP16, Tensor
from ..program import Program
from .gradients import Gradient
from .layers import DENSE, LayerSpec, Linear
from .loss import (
    batches,
    check_rows,
    column_sums,
    cross_entropy,
    micro_batches,
    share_right,
)
from .optim import LOST_WEIGHTS, LossScale, Sgd, TrainingDiverged
from .schedule import Schedule, choose_cuts
from .script import Script, StepResult
from .sparse_wu import SparseWu


def mlp(sizes: Sequence[int], nm: tuple[int, int] = DENSE, dense_last: bool = True,
        wu: SparseWu | None = None) -> list[LayerSpec]:
    """Layers of the given sizes, all N:M but (usually) the last, as are their weight gradients."""
    if len(sizes) < 2:
        raise ValueError(f"sizes: {list(sizes)} are too few for a layer")
    specs = [LayerSpec(i, o, *nm, wu) for i, o in zip(sizes, sizes[1:])]
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
                 scale: LossScale | None = None, input_gradient: bool = False,
                 names: Sequence[str] | None = None):
        if not specs:
            raise ValueError("specs: there is no layer")
        for before, after in zip(specs, specs[1:]):
            if before.outputs != after.inputs:
                raise ValueError(f"specs: a layer of {before.outputs} outputs is followed by one "
                                 f"of {after.inputs} inputs")
        self.core, self.batch, self.lr, self.momentum = core, batch, lr, momentum
        self.scale = scale or LossScale()
        Sgd(lr, momentum)  # checks them
        self.x = core.tensor("x", (batch, specs[0].inputs), FP16)
        self.ones = core.from_array("ones", np.ones((1, batch), np.float16))
        self.d_x = core.tensor("d_x", self.x.shape, FP16) if input_gradient else None
        names = names or [f"layer{index}" for index in range(len(specs))]
        self.layers = [Linear(core, names[index], spec, batch, rng,
                              logits=index == len(specs) - 1, bp=index > 0 or input_gradient)
                       for index, spec in enumerate(specs)]
        self._forward = self._forward_program()
        self._cuts = choose_cuts(core, partial(self._gradients, alone=True), len(specs))
        self._backward = cache(self._backward_schedule)
        core.run(self._prune_program())

    def _prune_program(self) -> Program:
        program = self.core.program()
        for layer in self.layers:
            layer.prune(program)
        return program

    def _forward_program(self) -> Program:
        program = self.core.program()
        for layer, source in zip(self.layers, self._inputs()):
            layer.forward(program, source)
        return program

    def _inputs(self) -> list[Tensor]:
        """What each layer reads in FF."""
        return [self.x, *(layer.out for layer in self.layers[:-1])]

    def _add_bp(self, program: Program, alone: bool) -> None:
        """With the sums of the gradients for the biases, if the batch is `alone`."""
        for below, layer in reversed(list(zip(self.layers, self.layers[1:]))):
            layer.select(program)
            layer.backward(program, below.d_out, mask=below.out,
                           sums=below.sums if alone else None)
        self.layers[0].select(program)
        if self.d_x:
            self.layers[0].backward(program, self.d_x)

    def _gradients(self, cuts: Sequence[bool], alone: bool) -> list[Gradient]:
        """Of all layers, of which some are cut into blocks. If the batch is `alone` those of biases
        are there already."""
        return [gradient for cut, layer, source in zip(cuts, self.layers, self._inputs())
                for gradient in layer.gradients(source, self.ones, cut, summed=alone)]

    @property
    def _sgd(self) -> Sgd:
        return Sgd(self.lr, self.momentum, 1 / self.scale.value)

    def _backward_schedule(self, accumulate: bool, last: bool) -> Schedule:
        """The second program of a micro-batch, the step's `last` or not."""
        alone = last and not accumulate
        gradients = self._gradients(self._cuts, alone)
        script = Script(self.core)
        self._add_bp(script.program, alone)
        for gradient in gradients:
            gradient.start(script.program, accumulate)
        if last:
            script.program.fence()
            for gradient in gradients:
                gradient.use(script, skip=True)
        return Schedule(script)

    def _backward_program(self, accumulate: bool = False, last: bool = True) -> Program:
        """It holds the scalars, so every step makes its own."""
        return self._backward(accumulate, last).program(self._sgd)

    def _pass_programs(self, accumulate: bool = False, last: bool = True) -> dict[str, Program]:
        """The same taken apart, one program per pass, to measure each alone."""
        programs = {name: self.core.program() for name in ("BP", "WU", "UPDATE")}
        for command in self._backward_program(accumulate, last):
            if command.engine:
                programs[command.label.split()[0]].append(command)
        return {name: program for name, program in programs.items() if len(program)}

    @property
    def scripts(self) -> dict[str, Script]:
        """The programs of a step, by what they do."""
        return {"FF": Script(self.core, [self._forward]),
                "BP+WU+UPDATE": Script(self.core, [self._backward_program()])}

    @property
    def peak_bytes(self) -> int:
        """Of the core's memory that are in use. All that a layer has is needed in the second
        program, so nothing can share any."""
        return self.core.used

    @property
    def macs(self) -> int:
        """Multiplies that one step needs at the layers' N:M."""
        return self._forward.macs + self._backward_program().macs

    def pass_macs(self) -> dict[str, int]:
        """The same, per pass."""
        return {"FF": self._forward.macs,
                **{name: program.macs for name, program in self._pass_programs().items()}}

    def train_step(self, x: np.ndarray, labels: np.ndarray, split: bool = False) -> StepResult:
        """One step on a batch, or on several as micro-batches: x float16 [k*batch][inputs], labels
        integers [k*batch]. The gradients of the micro-batches, each with its share of the loss
        scale, are added up in FP32 in their order, and then there is one update.

        A step in which an activation or a gradient overflows is skipped: only the loss scale
        changes. TrainingDiverged if the update overflows, which costs the weights, or if the scale
        cannot fall any more. With `split` each pass is its own program, so that it is measured
        alone; the bits are the same.
        """
        parts = micro_batches(x, labels, self.x.shape[1:], self.batch,
                              self.layers[-1].spec.outputs)
        step = StepResult(0.0, 0, False)
        for index, (rows, own_labels) in enumerate(parts):
            mark = f" {index}" if len(parts) > 1 else ""
            last = index == len(parts) - 1
            if split:
                backward = self._pass_programs(index > 0, last)
            else:
                name = "BP+WU+UPDATE" if last else "BP+WU"
                backward = {name: self._backward_program(index > 0, last)}
            self.core.next_samples()
            self.x.write(rows)
            forward = step.programs[f"FF{mark}"] = self.core.run(self._forward)
            loss = cross_entropy(self.layers[-1].out.read(), own_labels,
                                 self.scale.value / len(parts))
            step.loss += loss.value / len(parts)
            step.correct += loss.correct
            step.skipped = forward.overflow or loss.overflow
            if not step.skipped:
                top = self.layers[-1]
                top.d_out.write(loss.gradient)
                if len(parts) == 1 and top.trained_bias:
                    top.trained_bias.gradient.write(column_sums(loss.gradient))
                step.skipped = self._run_backward(backward, mark, last, step.programs)
            if step.skipped:
                break
        self.scale.update(step.skipped)
        return step

    def _run_backward(self, programs: dict[str, Program], mark: str, last: bool,
                      results: dict[str, Result]) -> bool:
        """True if a gradient overflowed; TrainingDiverged if an update did."""
        for name, program in programs.items():
            result = results[f"{name}{mark}"] = self.core.run(program)
            if result.overflow:
                if not last:
                    return True
                # The flag does not say whether it rose before the FENCE; what BP wrote does.
                gradients = [*(layer.d_out for layer in self.layers),
                             *([self.d_x] if self.d_x else []),
                             *(layer.selection.planes.values for layer in self.layers
                               if layer.selection)]
                if all(np.isfinite(gradient.read()).all() for gradient in gradients):
                    raise TrainingDiverged(LOST_WEIGHTS)
                return True
        return False

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits [rows][classes] of float16 [rows][inputs], any number of rows, computed on the
        core a batch at a time."""
        logits = []
        for part, count in batches(check_rows(x, self.x.shape[1:]), self.batch):
            self.x.write(part)
            self.core.run(self._forward)
            logits.append(self.layers[-1].out.read()[:count])
        return np.concatenate(logits)

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of rows whose largest logit is that of the label."""
        return share_right(self.predict(x), labels)
