# SPDX-License-Identifier: Apache-2.0
"""What convolutional networks are made of: a convolution with its normalisation, and a stage of
such units.

Methods add the commands of some images of the batch: `part` numbers the sums, `span` says which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sat_golden.windows import Windows

from ..core import Core
from ..memory import FeatureMap, Memory
from ..program import Program
from .gradients import Gradient
from .layers import BatchNorm, Conv2d, ConvSpec, write_row
from .pooling import MaxPool

Span = tuple[int, int]  # images of a part of the batch


class Unit:
    """A convolution and its batch normalisation: z = conv(x), then y = scale*z + shift.

    wu_images  images of a block of WU (Conv2d.gradients); without, as many as are fastest
    """

    def __init__(self, core: Core, name: str, spec: ConvSpec, x: FeatureMap, parts: int,
                 rng: np.random.Generator, bp: bool = True, temporaries: Memory | None = None):
        self.conv = Conv2d(core, name, spec, x.images, x.h, x.w, rng, bp, temporaries=temporaries)
        self.norm = BatchNorm(core, name, spec.outputs, parts)
        self.wu_images: int | None = None
        self.x = x
        self.z, self.d_z = self.conv.feature_map(f"{name}.z"), self.conv.feature_map(f"{name}.d_z")

    @property
    def rows(self) -> int:
        return self.z.tensor.rows

    @property
    def gradient(self) -> Gradient:
        return self.conv.gradients(self.x, self.d_z, self.wu_images)[0]

    def forward(self, program: Program, part: int, span: Span, training: bool = True) -> None:
        """z, and with `training` its sums."""
        self.conv.forward(program, self.x.part(*span), self.z.part(*span),
                          sums=self.norm.sums[part] if training else None)

    def normalise(self, program: Program, y: FeatureMap, span: Span) -> None:
        self.norm.forward(program, self.z.part(*span), y.part(*span))

    def backward_stats(self, program: Program, d_y: FeatureMap, part: int, span: Span) -> None:
        self.norm.backward_stats(program, d_y.part(*span), self.z.part(*span), part)

    def backward_norm(self, program: Program, d_y: FeatureMap, span: Span) -> None:
        self.norm.backward(program, d_y.part(*span), self.z.part(*span), self.d_z.part(*span))

    def select(self, program: Program, span: Span) -> None:
        """What a sparse WU reads, from d_z: part by part where these are whole groups, else with
        the last."""
        first, end = span
        selection = self.conv.selection
        if selection and selection.images_of_group(self.d_z) == 1:
            self.conv.select(program, self.d_z.part(first, end), first)
        elif end == self.d_z.images:
            self.conv.select(program, self.d_z)

    def backward(self, program: Program, d_x: FeatureMap, span: Span,
                 residual: FeatureMap | None = None, mask: FeatureMap | None = None) -> None:
        addends = {name: fmap.part(*span).tensor
                   for name, fmap in (("residual", residual), ("mask", mask)) if fmap}
        self.conv.backward(program, self.d_z.part(*span), d_x.part(*span), **addends)


@dataclass(frozen=True)
class StageSpec:
    """Convolutions in a row, each normalised and followed by a ReLU.

    residual  the last ReLU follows the sum with the stage's input or, if the shape changes, with a
              1x1 unit of it
    pool      kernel, stride and padding of windows whose largest value goes on
    """

    name: str
    convs: Sequence[ConvSpec]
    residual: bool = False
    pool: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        for before, after in zip(self.convs, self.convs[1:]):
            if before.outputs != after.inputs:
                raise ValueError(f"{self.name}: a convolution of {before.outputs} outputs is "
                                 f"followed by one of {after.inputs} inputs")

    @property
    def outputs(self) -> int:
        return self.convs[-1].outputs

    @property
    def shortcut(self) -> ConvSpec | None:
        """The 1x1 convolution of the input, if there is one."""
        first, last = self.convs[0], self.convs[-1]
        stride = math.prod(conv.stride for conv in self.convs)
        if not self.residual or (stride == 1 and first.inputs == last.outputs):
            return None
        return ConvSpec(first.inputs, last.outputs, kernel=1, stride=stride, pad=0, n=last.n,
                        m=last.m, wu=last.wu)


class Stage:
    """The units of a stage, and the maps between them.

    maps        y of each unit of the chain, and the gradient by what goes into its ReLU
    out, d_out  the same of the stage, behind the pooling
    x, d_x      the same of what comes before it; without d_x no gradient is sent back
    """

    def __init__(self, core: Core, spec: StageSpec, x: FeatureMap, d_x: FeatureMap | None,
                 parts: int, rng: np.random.Generator, temporaries: Memory):
        self.spec, self.x, self.d_x = spec, x, d_x
        sends_back = d_x is not None
        self.chain: list[Unit] = []
        self.maps: list[tuple[FeatureMap, FeatureMap]] = []
        for number, conv in enumerate(spec.convs, 1):
            name = f"{spec.name}.conv{number}" if len(spec.convs) > 1 else spec.name
            source = self.maps[-1][0] if self.maps else x
            unit = Unit(core, name, conv, source, parts, rng, sends_back or number > 1,
                        temporaries)
            self.chain.append(unit)
            y, d_y = (unit.conv.feature_map(f"{name}.{part}") for part in ("y", "d_y"))
            self.maps.append((y, d_y))
        self.projection = None
        if spec.shortcut:
            name = f"{spec.name}.conv{len(spec.convs) + 1}"
            self.projection = Unit(core, name, spec.shortcut, x, parts, rng, sends_back,
                                   temporaries)
        if spec.residual:
            row = 1, spec.outputs
            self.ones = core.from_array(f"{spec.name}.ones", np.ones(row, np.float32))
            self.shift = core.from_array(f"{spec.name}.shift", np.zeros(row, np.float32))
        (self.out, self.d_out), self.pool = self.maps[-1], None
        if spec.pool:
            kernel, stride, pad = spec.pool
            windows = Windows.sliding(self.out.images, self.out.h, self.out.w, kernel, kernel,
                                      stride=stride, pad=pad)
            self.pool = MaxPool(temporaries, f"{spec.name}.pool", windows, self.out.channels)
            self.out, self.d_out = map(self.pool.feature_map,
                                       (f"{spec.name}.out", f"{spec.name}.d_out"))

    @property
    def units(self) -> list[Unit]:
        return [*self.chain, *self.shortcut]

    @property
    def shortcut(self) -> list[Unit]:
        return [self.projection] if self.projection else []

    @property
    def first(self) -> list[Unit]:
        """Those that read x."""
        return [self.chain[0], *self.shortcut]

    @property
    def last(self) -> list[Unit]:
        """Those whose results are joined."""
        return [self.chain[-1], *self.shortcut]

    def write_shift(self) -> None:
        """The shifts of both branches, in one vector."""
        if self.spec.residual:
            write_row(self.shift, sum((unit.norm.offset for unit in self.last),
                                      np.zeros(self.shift.cols)))

    def join(self, program: Program, span: Span) -> None:
        """`out` from what the last units made."""
        unit, y = self.chain[-1], self.maps[-1][0]
        if self.spec.residual:
            other, beta = self.x, self.ones
            if self.projection:
                other, beta = self.projection.z, self.projection.norm.scale
            program.affine(unit.z.part(*span).tensor, y.part(*span).tensor, unit.norm.scale,
                           self.shift, y=other.part(*span).tensor, beta=beta, relu=True,
                           label=f"NORM {unit.conv.name}")
        else:
            unit.normalise(program, y, span)
        if self.pool:
            self.pool.forward(program, y, self.out, span)

    def backward_stats(self, program: Program, part: int, span: Span) -> None:
        """What the last units' scalars need, from d_out."""
        d_y = self.maps[-1][1]
        if self.pool:
            self.pool.backward(program, self.d_out, d_y, span)
        for unit in self.last:
            unit.backward_stats(program, d_y, part, span)

    def backward_first(self, program: Program, span: Span) -> None:
        """d_x from both branches."""
        if self.d_x is None:
            raise TypeError(f"{self.spec.name}: sends no gradient back")
        residual = self.maps[-1][1] if self.spec.residual else None
        if self.projection:
            self.projection.backward(program, self.d_x, span)
            residual = self.d_x
        self.chain[0].backward(program, self.d_x, span, residual, mask=self.x)
