# SPDX-License-Identifier: Apache-2.0
"""Training a convolutional network with BDWP: which commands make up a step.

A step is a chain of programs, because batch normalisation needs scalars that the host computes from
the sums of the layer's maps: FF, which makes them with the map, scalars, AFFINE and FF of the next
layer; back BP, STATS, scalars, AFFINE and BP of the layer below. The batch goes through in parts,
so that AFFINE and STATS of one run beside the convolution of another. Behind the last of BP it is
known whether anything overflowed, and then come the updates; where gradients are made between BP
and the end, and all other order, is the schedule's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property, partial

import numpy as np

from ..core import Core
from ..memory import FeatureMap, Tensor
from ..program import Program
from .blocks import Stage, StageSpec, Unit
from .gradients import Gradient
from .layers import Conv2d, ConvSpec, LayerSpec, Linear
from .loss import batches, check_rows, cross_entropy, micro_batches, share_right
from .optim import LOST_WEIGHTS, LossScale, Sgd, TrainingDiverged
from .pooling import AveragePool
from .schedule import Schedule
from .script import Measure, Script, StepResult
from .sparse_wu import SparseWu
from .temporaries import Temporaries


class ConvNet:
    """A convolutional network on a core: stages, the average of each channel, a linear layer.
    Trained by momentum SGD on softmax cross-entropy.

    Weight gradients of convolutions are made of blocks of `wu_images` images, or without of as many
    as are fastest, layer by layer (sat.nn.wu_blocks).
    Maps, their gradients and those of weights share memory where a step does not need them together
    (sat.nn.temporaries): they hold what they should between their first and their last use. With
    `keep` they do so until the next step.

    x            the batch, a feature map [batch][h][w][inputs]
    temporaries  what shares memory
    """

    def __init__(self, core: Core, batch: int, h: int, w: int, classes: int,
                 stages: Sequence[StageSpec], rng: np.random.Generator, lr: float = 0.1,
                 momentum: float = 0.9, decay: float | None = None,
                 scale: LossScale | None = None, parts: int = 4, wu_images: int | None = None,
                 keep: bool = False):
        self.core, self.batch, self.classes = core, batch, classes
        self.lr, self.momentum, self.decay = lr, momentum, decay
        self.scale = scale or LossScale()
        Sgd(lr, momentum, decay=decay)  # checks them
        parts = min(parts, batch)
        bounds = [batch * part // parts for part in range(parts + 1)]
        self._spans = list(zip(bounds, bounds[1:]))
        self.x = core.feature_map("x", batch, h, w, stages[0].convs[0].inputs)
        self.ones = core.from_array("ones", np.ones((1, batch), np.float16))
        self.temporaries = Temporaries(core, keep)
        self.stages: list[Stage] = []
        for spec in stages:
            below = self.stages[-1] if self.stages else None
            out, d_out = (below.out, below.d_out) if below else (self.x, None)
            self.stages.append(Stage(core, spec, out, d_out, parts, rng, self.temporaries))
        out = self.stages[-1].out
        self.pool, self.pooled, self.d_pooled = None, out, self.stages[-1].d_out
        if out.h * out.w > 1:
            self.pool = AveragePool.of_all(core, "pool", batch, out.h, out.w, out.channels,
                                           self.temporaries)
            self.pooled, self.d_pooled = map(self.pool.feature_map, ("pooled", "d_pooled"))
        self.head = Linear(core, "head", LayerSpec(out.channels, classes), batch, rng, logits=True,
                           temporaries=self.temporaries, last=True)
        for unit in self.units:
            unit.wu_images = wu_images
        self._forward = self._forward_schedule(True)
        self._backward = cache(self._backward_schedule)
        self._use_memory(1)
        program = core.program()
        layers: list[Conv2d | Linear] = [*(unit.conv for unit in self.units), self.head]
        for layer in layers:
            layer.prune(program)
        core.run(program)

    @property
    def units(self) -> list[Unit]:
        return [unit for stage in self.stages for unit in stage.units]

    def _use_memory(self, count: int) -> None:
        """That of a step of `count` micro-batches. As to what is held from one to the next, three
        are as good as any more."""
        count = min(count, 3)
        self.temporaries.use(f"{count} micro-batches", [
            [self._forward, self._backward(index > 0, index == count - 1)]
            for index in range(count)])

    @property
    def peak_bytes(self) -> int:
        """Of the core's memory that are in use."""
        return self.temporaries.peak_bytes

    def _forward_schedule(self, training: bool) -> Schedule:
        """FF; with batch statistics where `training`, else with the running ones."""
        script = Script(self.core)
        if not training:
            script.host(self._use_running, writes=self._running_vectors)
        for stage in self.stages:
            self._convolve(script, stage.first, training)
            for below, (y, _), unit in zip(stage.chain, stage.maps, stage.chain[1:]):
                for span in self._spans:
                    below.normalise(script.program, y, span)
                self._convolve(script, [unit], training)
            if training and stage.spec.residual:
                script.host(stage.write_shift, writes=[stage.shift])
            for span in self._spans:
                stage.join(script.program, span)
        if self.pool:
            self.pool.forward(script.program, self.stages[-1].out, self.pooled)
        self.head.forward(script.program, self.pooled.tensor)
        return Schedule(script)

    @cached_property
    def _evaluation(self) -> Schedule:
        schedule = self._forward_schedule(False)
        self.temporaries.use("evaluation", [[schedule]])
        return schedule

    def _convolve(self, script: Script, units: Sequence[Unit], training: bool) -> None:
        """z of the units, and with `training` their scalars."""
        for unit in units:
            for part, span in enumerate(self._spans):
                unit.forward(script.program, part, span, training)
            if training:
                script.host(partial(unit.norm.use_batch, unit.rows), unit.norm.sums,
                            unit.norm.forward_vectors)

    @property
    def _running_vectors(self) -> list[Tensor]:
        """What `_use_running` writes."""
        return [*(vector for unit in self.units for vector in unit.norm.forward_vectors),
                *(stage.shift for stage in self.stages if stage.spec.residual)]

    def _use_running(self) -> None:
        for unit in self.units:
            unit.norm.use_running()
        for stage in self.stages:
            stage.write_shift()

    def _backward_schedule(self, accumulate: bool, last: bool) -> Schedule:
        """BP and WU of all layers, and after the check the updates, if the micro-batch is the
        step's `last`."""
        script = Script(self.core)
        self._head_backward(script.program)
        gradients = self.head.gradients(self.pooled.tensor, self.ones)
        for stage in reversed(self.stages):
            for part, span in enumerate(self._spans):
                stage.backward_stats(script.program, part, span)
            gradients += self._through_norms(script, stage.last, stage.maps[-1][1], accumulate)
            for below, (y, d_y), unit in reversed(list(zip(stage.chain, stage.maps,
                                                           stage.chain[1:]))):
                for part, span in enumerate(self._spans):
                    unit.backward(script.program, d_y, span, mask=y)
                    below.backward_stats(script.program, d_y, part, span)
                gradients += self._through_norms(script, [below], d_y, accumulate)
            for span in self._spans if stage.d_x else ():
                stage.backward_first(script.program, span)
        for gradient in gradients:
            gradient.start(script.program, accumulate)
        script.check()
        for gradient in gradients if last else ():
            gradient.use(script)
        return Schedule(script)

    def _through_norms(self, script: Script, units: Sequence[Unit], d_y: FeatureMap,
                       accumulate: bool) -> list[Gradient]:
        """d_z of the units from d_y and the sums; returns what gradients that allows."""
        for unit in units:
            script.host(partial(self._use_gradient, unit, accumulate), unit.norm.sums,
                        unit.norm.backward_vectors)
            for span in self._spans:
                unit.backward_norm(script.program, d_y, span)
                unit.select(script.program, span)
        return [unit.gradient for unit in units]

    def _head_backward(self, program: Program) -> None:
        """The gradient at the last stage, behind whose ReLU it masks."""
        last = self.stages[-1]
        if self.pool:
            self.head.backward(program, self.d_pooled.tensor)
            self.pool.backward(program, self.d_pooled, last.d_out, mask=last.out.tensor)
        else:
            self.head.backward(program, self.d_pooled.tensor, mask=self.pooled.tensor)

    def _use_gradient(self, unit: Unit, accumulate: bool) -> None:
        unit.norm.use_gradient(unit.rows, self.scale.value, accumulate)

    @property
    def _sgd(self) -> Sgd:
        return Sgd(self.lr, self.momentum, 1 / self.scale.value, self.decay)

    @property
    def scripts(self) -> dict[str, Script]:
        """Those of a step on one batch, by what they do."""
        backward, update = self._backward(False, True).scripts(self._sgd)
        forward, = self._forward.scripts()
        return {"FF": forward, "BP+WU": backward, "WU+UPDATE": update}

    @property
    def macs(self) -> int:
        """Multiplies that one step needs at the layers' N:M."""
        return sum(program.macs for script in self.scripts.values() for program in script.programs)

    def train_step(self, x: np.ndarray, labels: np.ndarray,
                   measures: dict[str, Measure] | None = None) -> StepResult:
        """One step on a batch, or on several as micro-batches: x float16 [k*batch][h][w][inputs],
        labels integers [k*batch]. Statistics are those of each micro-batch; its gradients, made
        with its share of the loss scale, are added up in FP32 (those of batch normalisation in
        float64) in their order, and then there is one update.

        A step in which an activation or a gradient overflows is skipped: only the loss scale and
        the running statistics change. TrainingDiverged if the update overflows, which costs the
        weights, or if the scale cannot fall any more. With `measures` each command is run and
        measured alone; the bits are the same.
        """
        parts = micro_batches(x, labels, self.x.shape[1:], self.batch, self.classes)
        step = StepResult(0.0, 0, False)
        self._use_memory(len(parts))
        for index, (images, own_labels) in enumerate(parts):
            last = index == len(parts) - 1
            backward, update = self._backward(index > 0, last).scripts(self._sgd)
            self._run_batch(step, images, own_labels, backward, len(parts), measures)
            if step.skipped:
                break
            if update.run("WU+UPDATE" if last else "WU", step.programs, measures):
                raise TrainingDiverged(LOST_WEIGHTS)
        if not step.skipped:
            for unit in self.units:
                unit.norm.update(self.lr, self.momentum)
        self.scale.update(step.skipped)
        return step

    def _run_batch(self, step: StepResult, x: np.ndarray, labels: np.ndarray, backward: Script,
                   count: int, measures: dict[str, Measure] | None) -> None:
        """FF and BP of one of `count` micro-batches; what comes of it is added to the step."""
        self.core.next_samples()
        self.x.write(x)
        step.skipped = self._forward.scripts()[0].run("FF", step.programs, measures)
        if step.skipped:
            step.loss = float("nan")
            return
        loss = cross_entropy(self.head.out.read(), labels, self.scale.value / count)
        step.loss += loss.value / count
        step.correct += loss.correct
        step.skipped = loss.overflow
        if not loss.overflow:
            self.head.d_out.write(loss.gradient)
            step.skipped = backward.run("BP+WU", step.programs, measures)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Logits [images][classes] of float16 [images][h][w][inputs], any number of images,
        computed on the core with the running statistics, a batch at a time."""
        logits = []
        for part, count in batches(check_rows(x, self.x.shape[1:]), self.batch):
            self.x.write(part)
            self._evaluation.scripts()[0].run("FF", {})
            logits.append(self.head.out.read()[:count])
        return np.concatenate(logits)

    def accuracy(self, x: np.ndarray, labels: np.ndarray) -> float:
        """Share of images whose largest logit is that of the label."""
        return share_right(self.predict(x), labels)


class ResNet(ConvNet):
    """A small residual network: 3x3 stem, a block per stage, average, linear layer.

    The stages after the first halve the map. The stem and the linear layer are dense, all other
    convolutions `nm`, and their weight gradients `wu`. What else it takes is ConvNet's.
    """

    def __init__(self, core: Core, batch: int, h: int, w: int, inputs: int, classes: int,
                 nm: tuple[int, int], rng: np.random.Generator,
                 channels: Sequence[int] = (16, 32, 64), wu: SparseWu | None = None, **options):
        n, m = nm
        stages = [StageSpec("stem", [ConvSpec(inputs, channels[0])])]
        for stage, (before, outputs) in enumerate(zip([channels[0], *channels], channels), 1):
            stages.append(StageSpec(f"stage{stage}", [
                ConvSpec(before, outputs, stride=1 if stage == 1 else 2, n=n, m=m, wu=wu),
                ConvSpec(outputs, outputs, n=n, m=m, wu=wu)], residual=True))
        super().__init__(core, batch, h, w, classes, stages, rng, **options)
