# SPDX-License-Identifier: Apache-2.0
"""What residual networks are made of: a convolution with its normalisation, and a block of them.

Methods add the commands of some images of the batch: `part` numbers the sums, `span` says which.
"""

from __future__ import annotations

import numpy as np

from ..core import Core
from ..memory import FeatureMap
from ..program import Program
from .gradients import Gradient
from .layers import BatchNorm, Conv2d, ConvSpec, write_row

Span = tuple[int, int]  # images of a part of the batch


class Unit:
    """A convolution and its batch normalisation: z = conv(x), then y = scale*z + shift.

    wu_images  images of a block of WU (Conv2d.gradients); None is all
    """

    def __init__(self, core: Core, name: str, spec: ConvSpec, x: FeatureMap, parts: int,
                 rng: np.random.Generator, bp: bool = True):
        self.conv = Conv2d(core, name, spec, x.images, x.h, x.w, rng, bp)
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

    def backward(self, program: Program, d_x: FeatureMap, span: Span,
                 residual: FeatureMap | None = None, mask: FeatureMap | None = None) -> None:
        addends = {name: fmap.part(*span).tensor
                   for name, fmap in (("residual", residual), ("mask", mask)) if fmap}
        self.conv.backward(program, self.d_z.part(*span), d_x.part(*span), **addends)


class Block:
    """y = relu(unit(relu(unit(x))) + x); where the shape changes, a 1x1 unit of x instead of x.

    d_y is the gradient by what goes into the last ReLU.
    """

    def __init__(self, core: Core, name: str, x: FeatureMap, d_x: FeatureMap, outputs: int,
                 stride: int, nm: tuple[int, int], parts: int, rng: np.random.Generator):
        n, m = nm
        first = ConvSpec(x.channels, outputs, stride=stride, n=n, m=m)
        self.first = Unit(core, f"{name}.conv1", first, x, parts, rng)
        self.y1, self.d_y1 = (self.first.conv.feature_map(f"{name}.{part}")
                              for part in ("y1", "d_y1"))
        self.second = Unit(core, f"{name}.conv2", ConvSpec(outputs, outputs, n=n, m=m), self.y1,
                           parts, rng)
        self.projection = None
        if stride != 1 or x.channels != outputs:
            shortcut = ConvSpec(x.channels, outputs, kernel=1, stride=stride, pad=0, n=n, m=m)
            self.projection = Unit(core, f"{name}.conv3", shortcut, x, parts, rng)
        self.x, self.d_x = x, d_x
        self.y, self.d_y = (self.second.conv.feature_map(f"{name}.{part}") for part in ("y", "d_y"))
        self.ones = core.from_array(f"{name}.ones", np.ones((1, outputs), np.float32))
        self.shift = core.from_array(f"{name}.shift", np.zeros((1, outputs), np.float32))

    @property
    def units(self) -> list[Unit]:
        return [self.first, self.second, *self.shortcut]

    @property
    def shortcut(self) -> list[Unit]:
        return [self.projection] if self.projection else []

    def write_shift(self) -> None:
        """The shifts of both branches, in one vector."""
        write_row(self.shift, sum((unit.norm.offset for unit in (self.second, *self.shortcut)),
                                  np.zeros(self.shift.cols)))

    def join(self, program: Program, span: Span) -> None:
        """y from both branches."""
        other, beta = self.x, self.ones
        if self.projection:
            other, beta = self.projection.z, self.projection.norm.scale
        program.affine(self.second.z.part(*span).tensor, self.y.part(*span).tensor,
                       self.second.norm.scale, self.shift, y=other.part(*span).tensor, beta=beta,
                       relu=True, label=f"NORM {self.second.conv.name}")

    def backward_first(self, program: Program, span: Span) -> None:
        """d_x from both branches."""
        residual = self.d_y
        if self.projection:
            self.projection.backward(program, self.d_x, span)
            residual = self.d_x
        self.first.backward(program, self.d_x, span, residual, mask=self.x)
