# SPDX-License-Identifier: Apache-2.0
"""Networks as descriptions: parts of sat.nn, with sizes and N:M, without weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from ..core import Core
from ..memory import Tensor
from ..nn import (
    BlockShape,
    ConvNet,
    ConvSpec,
    LayerSpec,
    Mlp,
    Script,
    SparseWu,
    StageSpec,
    Temporaries,
    TransformerBlock,
)
from ..options import show_nm


class Sparsity(NamedTuple):
    """N:M of the weights, and of the output gradients in WU (dense without)."""

    n: int
    m: int
    wu: SparseWu | None = None

    def __str__(self) -> str:
        return show_nm((self.n, self.m), (self.wu.n, self.wu.m) if self.wu else None)


NM = tuple[int, int] | Sparsity


@dataclass(frozen=True)
class Lowered:
    """A part as commands on a core.

    scripts  of a step, by what they do
    reads    tensors that the host reads between the scripts: outputs, gradients for the part before
    writes   those that it writes: inputs, the gradient of the loss
    given    inputs and gradients that the parts before and behind leave on the core
    passed   outputs and gradients that are what is `given` to the parts behind and before
    temporaries  what shares memory, if anything does
    """

    scripts: dict[str, Script]
    reads: Sequence[Tensor] = ()
    writes: Sequence[Tensor] = ()
    given: Sequence[Tensor] = ()
    passed: Sequence[Tensor] = ()
    temporaries: Temporaries | None = None

    @property
    def forward(self) -> Script:
        """The first."""
        return next(iter(self.scripts.values()))


def stem(kernel: int, outputs: int, pool: tuple[int, int, int] | None = None) -> StageSpec:
    """The first layer, on images that the host has unfolded: a pixel holds the three colours of all
    that a window sees, which makes the convolution one of 1x1. With three channels it would use
    three rows of the array in WU."""
    return StageSpec("stem", [ConvSpec(3 * kernel**2, outputs, kernel=1, pad=0)], pool=pool)


@dataclass(frozen=True)
class Convolutions:
    """Stages on square maps, the average of each channel, a linear layer.

    side  of the map that the first stage reads: of the images, unless its stride makes fewer
          windows of them
    """

    side: int
    stages: Sequence[StageSpec]
    classes: int
    count: ClassVar[int] = 1

    @property
    def convolutions(self) -> list[ConvSpec]:
        made = []
        for stage in self.stages:
            made += [*stage.convs, *([stage.shortcut] if stage.shortcut else [])]
        return made

    @property
    def layers(self) -> int:
        """Convolutions and linear layers; those that adapt a residual are not counted."""
        return sum(len(stage.convs) for stage in self.stages) + 1

    @property
    def parameters(self) -> int:
        """Those of the norms included."""
        return sum(conv.kernel**2 * conv.inputs * conv.outputs + 2 * conv.outputs
                   for conv in self.convolutions) + (self.stages[-1].outputs + 1) * self.classes

    def lower(self, core: Core, batch: int, rng: np.random.Generator) -> Lowered:
        net = ConvNet(core, batch, self.side, self.side, self.classes, self.stages, rng)
        return Lowered(net.scripts, [net.head.out], [net.x.tensor, net.head.d_out],
                       temporaries=net.temporaries)


@dataclass(frozen=True)
class Dense:
    """A dense linear layer on `rows` rows of each sample, as what begins or ends a transformer."""

    name: str
    rows: int
    inputs: int
    outputs: int
    input_gradient: bool
    count: ClassVar[int] = 1
    layers: ClassVar[int] = 1

    @property
    def parameters(self) -> int:
        return (self.inputs + 1) * self.outputs

    def lower(self, core: Core, batch: int, rng: np.random.Generator) -> Lowered:
        net = Mlp(core, [LayerSpec(self.inputs, self.outputs)], batch * self.rows, rng,
                  input_gradient=self.input_gradient, names=[self.name])
        layer = net.layers[0]
        return Lowered(net.scripts, [layer.out, *([net.d_x] if net.d_x else [])],
                       [net.x, layer.d_out])


@dataclass(frozen=True)
class Encoder:
    """`count` transformer blocks, one like the other: it is lowered once."""

    tokens: int
    dim: int
    heads: int
    hidden: int
    nm: NM
    count: int

    @property
    def layers(self) -> int:
        """Linear layers of a block."""
        return 4

    @property
    def parameters(self) -> int:
        """Of a block, both norms included."""
        return (4 * self.dim * (self.dim + 1) + 4 * self.dim
                + (self.dim + 1) * self.hidden + (self.hidden + 1) * self.dim)

    def lower(self, core: Core, batch: int, rng: np.random.Generator) -> Lowered:
        shape = BlockShape(batch, self.tokens, self.dim, self.heads, self.hidden)
        sparsity = Sparsity(*self.nm)
        block = TransformerBlock(core, shape, rng, sparsity[:2], wu=sparsity.wu)
        return Lowered(block.scripts, given=[block.x, block.down.d_out],
                       passed=[block.down.out, block.d_x], temporaries=block.temporaries)


Part = Convolutions | Dense | Encoder


@dataclass(frozen=True)
class Network:
    """Parts, one after the other.

    batch             samples of a step, unless another number is asked for
    host_parameters   trained by the host: positions, the last norm of a transformer
    """

    name: str
    batch: int
    parts: Sequence[Part]
    host_parameters: int = 0

    @property
    def parameters(self) -> int:
        return sum(part.count * part.parameters for part in self.parts) + self.host_parameters

    @property
    def layers(self) -> int:
        return sum(part.count * part.layers for part in self.parts)
