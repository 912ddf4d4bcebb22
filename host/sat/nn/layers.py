# SPDX-License-Identifier: Apache-2.0
"""Layers: the tensors of each, and the commands of its passes.

Labels are "PASS layer", with the passes FF, BP, WU, UPDATE and NORM.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np

from sat_golden.defs import TENSOR_ALIGN
from sat_golden.fp_mode import exact
from sat_golden.windows import Windows

from ..core import Core
from ..memory import FP16, FP32, INDEX, Compressed, FeatureMap, Memory, Stack, Tensor
from ..plan import ceil_div
from ..plan.estimate import UPDATE_TILE
from ..program import Command, Program
from .gradients import Gradient, Update
from .optim import Sgd
from .script import Use
from .sparse_wu import Selection, SparseWu
from .wu_blocks import Blocks

Copy = TypeVar("Copy", Compressed, Stack)

DENSE = (2, 2)
CUTS = 4  # blocks of a layer at most: each reads dY again


@dataclass(frozen=True)
class LayerSpec:
    """Shape and sparsity of a fully connected layer; N = M is dense, and so is WU without `wu`."""

    inputs: int
    outputs: int
    n: int = DENSE[0]
    m: int = DENSE[1]
    wu: SparseWu | None = None


@dataclass(frozen=True)
class ConvSpec:
    """Shape and sparsity of a convolution with a square kernel; N = M is dense, and so is WU
    without `wu`."""

    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    pad: int = 1
    dilation: int = 1
    n: int = DENSE[0]
    m: int = DENSE[1]
    wu: SparseWu | None = None


@exact()
def normal_weights(core: Core, name: str, rows: int, cols: int, gain: float,
                   rng: np.random.Generator) -> Tensor:
    """FP32 [rows][cols] with the variance gain/rows; a gain of 2 suits a layer before a ReLU."""
    weights = rng.standard_normal((rows, cols)) * np.sqrt(gain / rows)
    return core.from_array(name, weights.astype(np.float32))


def sends_back(name: str, bp: Copy | None) -> Copy:
    """The copy that BP reads; TypeError if the layer was made without."""
    if bp is None:
        raise TypeError(f"{name}: was made without `bp`, and sends no gradient back")
    return bp


def zeros(core: Core, name: str, shape: tuple[int, int]) -> Tensor:
    """An FP32 tensor of zeros."""
    return core.from_array(name, np.zeros(shape, np.float32))


class Bias:
    """A bias, its velocity and its gradient. UPDATE works on tiles of 16 x 16, so it sees them
    folded into rows of 16: the same memory.

    gradient    [1][outputs]
    sums        [2][outputs], as `sums` of a MATMUL and STATS of dY write them: the first row is
                `gradient`
    """

    def __init__(self, core: Core, name: str, outputs: int, decays: bool = False):
        rows = ceil_div(outputs, UPDATE_TILE)
        self._value, self._velocity = (
            zeros(core, f"{name}.{part}", (rows, UPDATE_TILE)) for part in ("bias", "bias_v"))
        sums = zeros(core, f"{name}.bias_dw", (2 * rows, UPDATE_TILE))
        self._gradient = sums[:rows, :]
        self._label, self._decays = f"UPDATE {name}", decays
        self.row, self.velocity, self.gradient = (
            t.as_row(outputs) for t in (self._value, self._velocity, self._gradient))
        self.sums = replace(self.gradient, shape=(2, outputs), stride=rows * sums.stride)

    @property
    def update(self) -> Update:
        return Update(self._value, self._velocity, self._gradient, self._label,
                      decays=self._decays)


def bias_gradient(name: str, bias: Bias, d_out: Tensor, ones: Tensor | None = None) -> Gradient:
    """Of a bias: sums of dY, which STATS makes anew, or with a row of `ones` the array, which may
    add to those before."""
    if ones:
        product = partial(Program.matmul, a=ones, s=d_out, out=bias.gradient, label=f"WU {name}")
        return Gradient([product], bias.gradient, [bias.update])

    def sums(program: Program, sgd: Sgd, skip: bool) -> Command:
        return program.stats(d_out, bias.sums[:1, :], bias.sums[1:, :], label=f"WU {name}")

    return Gradient([], None, [sums, bias.update])


class Linear:
    """A fully connected layer. `bp` is None if it sends no gradient back, `bias` if it has none.

    out    its sums [batch][outputs]: FP16 after a ReLU, or FP32
    d_out  gradient of the loss by the sums, FP16

    What does not outlive a step comes of `temporaries`, if they are given; `out` and `d_out` do if
    they are `last`, and the host's.
    """

    def __init__(self, core: Core, name: str, spec: LayerSpec, batch: int,
                 rng: np.random.Generator, logits: bool = False, bp: bool = True,
                 bias: bool = True, bias_decays: bool = False, temporaries: Memory | None = None,
                 last: bool = False):
        self.name, self.spec = name, spec
        temporaries = temporaries or core
        shape = spec.inputs, spec.outputs
        self.w = normal_weights(core, f"{name}.w", *shape, 1.0 if logits else 2.0, rng)
        self.trained_bias = Bias(core, name, spec.outputs, bias_decays) if bias else None
        self.v = zeros(core, f"{name}.v", shape)
        self.dw = temporaries.tensor(f"{name}.dw", shape, FP32)
        self.ff = core.compressed(f"{name}.w_ff", shape, spec.n, spec.m)
        self.bp = core.compressed(f"{name}.w_bp", shape[::-1], spec.n, spec.m) if bp else None
        results = core if last else temporaries
        self.out = results.tensor(f"{name}.out", (batch, spec.outputs), FP32 if logits else FP16)
        self.d_out = results.tensor(f"{name}.d_out", (batch, spec.outputs), FP16)
        self.selection = (Selection(temporaries, name, spec.wu, *self.d_out.shape)
                          if spec.wu else None)

    @property
    def bias(self) -> Tensor | None:
        return self.trained_bias.row if self.trained_bias else None

    @property
    def sums(self) -> Tensor | None:
        """Where the sums of d_out are the gradient of the bias."""
        return self.trained_bias.sums if self.trained_bias else None

    @property
    def d_bias(self) -> Tensor | None:
        return self.trained_bias.gradient if self.trained_bias else None

    @property
    def block_rows(self) -> int:
        """The smallest block of rows whose WU and UPDATE can be commands of their own: columns of
        the input, and of the transposed copy, must start on a 64-byte line."""
        has_indices = self.bp is not None and self.bp.indices is not None
        return 8 * TENSOR_ALIGN // (INDEX if has_indices else FP16).bits

    def prune(self, program: Program) -> None:
        program.prune(self.w, ff=self.ff, bp=self.bp)

    def forward(self, program: Program, x: Tensor, out: Tensor | None = None,
                relu: bool | None = None) -> None:
        out = out or self.out
        program.matmul(x, self.ff, out, bias=self.bias,
                       relu=out.format is FP16 if relu is None else relu, label=f"FF {self.name}")

    def backward(self, program: Program, d_x: Tensor, **epilogue) -> None:
        """Takes the epilogue's arguments of `Program.matmul`."""
        program.matmul(self.d_out, sends_back(self.name, self.bp), d_x, label=f"BP {self.name}",
                       **epilogue)

    def select(self, program: Program) -> None:
        """What a sparse WU reads, from d_out."""
        if self.selection:
            self.selection.select(program, self.d_out)

    def gradients(self, x: Tensor, ones: Tensor | None = None, cut: bool = False,
                  summed: bool = False) -> list[Gradient]:
        """Of the weights, in blocks of rows if `cut`, and of the bias (`bias_gradient`); if
        `summed` that is there already: what made d_out has made its sums too."""
        s = self.selection.planes if self.selection else self.d_out
        size = self.spec.inputs
        if cut:
            size = self.block_rows * ceil_div(size, CUTS * self.block_rows)
        made = []
        for start in range(0, self.spec.inputs, size):
            rows = slice(start, min(start + size, self.spec.inputs))
            product = partial(Program.matmul, a=x[:, rows], s=s, out=self.dw[rows, :],
                              a_trans=True, label=f"WU {self.name}")
            update = Update(self.w[rows, :], self.v[rows, :], self.dw[rows, :],
                            f"UPDATE {self.name}", self.ff[rows, :], self.bp and self.bp[:, rows])
            made.append(Gradient([product], self.dw[rows, :], [update]))
        if self.trained_bias:
            made.append(Gradient([], None, [self.trained_bias.update]) if summed
                        else bias_gradient(self.name, self.trained_bias, self.d_out, ones))
        return made


class Conv2d:
    """A convolution. Weights are [P*C][J]; each kernel position p has a part of W_FF, and at the
    mirrored place P-1-p one of W_BP, which is pruned along J.

    `bp` is None if the layer sends no gradient back, `bias` if it has none: before a batch
    normalisation it would do nothing. What does not outlive a step comes of `temporaries`, if they
    are given.
    """

    def __init__(self, core: Core, name: str, spec: ConvSpec, images: int, h: int, w: int,
                 rng: np.random.Generator, bp: bool = True, bias: bool = False,
                 bias_decays: bool = False, temporaries: Memory | None = None):
        self.core, self.name, self.spec = core, name, spec
        self.temporaries = temporaries or core
        self.windows = Windows.sliding(images, h, w, spec.kernel, spec.kernel, stride=spec.stride,
                                       pad=spec.pad, dilation=spec.dilation)
        positions = self.windows.positions
        shape = positions * spec.inputs, spec.outputs
        self.w = normal_weights(core, f"{name}.w", *shape, 2.0, rng)
        self.v = zeros(core, f"{name}.v", shape)
        self.dw = self.temporaries.tensor(f"{name}.dw", shape, FP32)
        self.ff = core.stack(f"{name}.w_ff", positions, (spec.inputs, spec.outputs),
                             spec.n, spec.m)
        self.bp = core.stack(f"{name}.w_bp", positions, (spec.outputs, spec.inputs),
                             spec.n, spec.m) if bp else None
        self.trained_bias = Bias(core, name, spec.outputs, bias_decays) if bias else None
        self.selection = Selection(self.temporaries, name, spec.wu, self.windows.count,
                                   spec.outputs) if spec.wu else None

    @property
    def bias(self) -> Tensor | None:
        return self.trained_bias.row if self.trained_bias else None

    def feature_map(self, name: str) -> FeatureMap:
        """A new feature map of the shape of the result."""
        return self.temporaries.feature_map(name, self.windows.images, self.windows.out_h,
                                            self.windows.out_w, self.spec.outputs)

    def _copies(self, position: int) -> tuple[Compressed, Compressed | None]:
        mirrored = self.windows.positions - 1 - position
        return self.ff[position], None if self.bp is None else self.bp[mirrored]

    def _rows(self, position: int) -> slice:
        return slice(position * self.spec.inputs, (position + 1) * self.spec.inputs)

    def prune(self, program: Program) -> None:
        for position in range(self.windows.positions):
            ff, bp = self._copies(position)
            program.prune(self.w[self._rows(position), :], ff=ff, bp=bp)

    def forward(self, program: Program, x: FeatureMap, out: FeatureMap, **epilogue) -> None:
        """Of any number of images. Takes the epilogue's arguments of `Program.conv`."""
        program.conv(x.tensor, self.ff, out.tensor, replace(self.windows, images=x.images),
                     bias=self.bias, label=f"FF {self.name}", **epilogue)

    def backward(self, program: Program, d_out: FeatureMap, d_x: FeatureMap, **epilogue) -> None:
        windows = replace(self.windows, images=d_out.images).transposed()
        program.conv(d_out.tensor, sends_back(self.name, self.bp), d_x.tensor, windows,
                     label=f"BP {self.name}", **epilogue)

    def select(self, program: Program, d_out: FeatureMap, first: int = 0) -> None:
        """What a sparse WU reads, from d_out, or of a part of it that begins with image `first`."""
        if self.selection:
            self.selection.select(program, d_out.tensor, first * d_out.h * d_out.w)

    def _product(self, program: Program, first: int, end: int, *, x: FeatureMap,
                 d_out: FeatureMap, residual: Tensor | None) -> Command:
        """WU of images first .. end - 1."""
        s = (self.selection.of(d_out, first, end) if self.selection
             else d_out.part(first, end).tensor)
        return program.conv(x.part(first, end).tensor, s, self.dw,
                            replace(self.windows, images=end - first), a_trans=True,
                            residual=residual, label=f"WU {self.name}")

    def gradients(self, x: FeatureMap, d_out: FeatureMap, images: int | None = None,
                  ones: Tensor | None = None) -> list[Gradient]:
        """Of the weights, with an UPDATE per kernel position, and of the bias (`bias_gradient`).

        The sum over the windows is one of each block of `images` images, and these added up in
        their order; without `images` it is blocks of as many as are fastest (Blocks). A sparse WU
        is not cut where blocks would not be whole groups.
        """
        group = self.selection.images_of_group(d_out) if self.selection else 1
        product = partial(self._product, x=x, d_out=d_out)
        if not images:
            images = Blocks(self.core.backend.config, x, self.dw, product, group).choose()
        elif images % group:
            images = x.images
        updates: list[Use] = []
        for position in range(self.windows.positions):
            rows = self._rows(position)
            updates.append(Update(self.w[rows, :], self.v[rows, :], self.dw[rows, :],
                                  f"UPDATE {self.name}", *self._copies(position)))
        products = [partial(product, first=first, end=min(first + images, x.images))
                    for first in range(0, x.images, images)]
        made = [Gradient(products, self.dw, updates)]
        if self.trained_bias:
            made.append(bias_gradient(self.name, self.trained_bias, d_out.tensor, ones))
        return made


class BatchNorm:
    """Batch normalisation: sums and products per element on the core, scalars per channel here, in
    float64 and rounded once to FP32 where the core reads them.

    The sums of z come from what makes it (`sums` of a MATMUL), or from `stats`.

    gamma, beta, mean, var   float64 [channels]; mean and var are the running statistics
    sums                     FP32 [2][channels] of each part: of z and z*z, or of dy and dy*z
    scale, shift             FP32 [1][channels]: y = scale*z + shift
    d_scale, d_z, d_shift    dz = d_scale*dy + (d_z*z + d_shift)

    The batch may be given in `parts`, whose sums are added here.
    """

    def __init__(self, core: Core, name: str, channels: int, parts: int = 1, gain: float = 1.0,
                 epsilon: float = 1e-5, keep: float = 0.9):
        self.name, self.epsilon, self.keep = name, epsilon, keep
        self.gamma, self.beta = np.full(channels, gain), np.zeros(channels)
        self.mean, self.var = np.zeros(channels), np.ones(channels)
        self.velocity = np.zeros((2, channels))  # of gamma and beta
        self._gradient = np.zeros((2, channels))
        self._batch_mean, self._inverse = np.zeros(channels), np.ones(channels)
        self.offset = np.zeros(channels)  # `shift` before rounding

        def vector(part: str) -> Tensor:
            return zeros(core, f"{name}.{part}", (1, channels))

        self.sums = [zeros(core, f"{name}.sums{part}", (2, channels)) for part in range(parts)]
        self.forward_vectors = self.scale, self.shift = vector("scale"), vector("shift")
        self.backward_vectors = self.d_scale, self.d_z, self.d_shift = (
            vector("d_scale"), vector("d_z"), vector("d_shift"))

    def stats(self, program: Program, z: FeatureMap, part: int = 0, y: FeatureMap | None = None
              ) -> None:
        """Sums of z and z*z, or z*y."""
        sums = self.sums[part]
        program.stats(z.tensor, sums[:1, :], sums[1:, :], y=y.tensor if y else None,
                      label=f"NORM {self.name}")

    def use_batch(self, rows: int) -> None:
        """Scale and shift from the batch's statistics; moves the running ones."""
        total, dot = self._totals()
        mean = total / rows
        var = np.maximum(dot / rows - mean * mean, 0.0)
        self.mean = self.keep * self.mean + (1 - self.keep) * mean
        self.var = self.keep * self.var + (1 - self.keep) * var * (rows / max(1, rows - 1))
        self._batch_mean = mean
        self._set(mean, var)

    def use_running(self) -> None:
        """Scale and shift for evaluation."""
        self._set(self.mean, self.var)

    def _set(self, mean: np.ndarray, var: np.ndarray) -> None:
        self._inverse = 1 / np.sqrt(var + self.epsilon)
        self.offset = self.beta - self.gamma * self._inverse * mean
        write_row(self.scale, self.gamma * self._inverse)
        write_row(self.shift, self.offset)

    def forward(self, program: Program, z: FeatureMap, out: FeatureMap, relu: bool = True) -> None:
        program.affine(z.tensor, out.tensor, self.scale, self.shift, relu=relu,
                       label=f"NORM {self.name}")

    def backward_stats(self, program: Program, d_out: FeatureMap, z: FeatureMap,
                       part: int = 0) -> None:
        self.stats(program, d_out, part, z)

    def use_gradient(self, rows: int, loss_scale: float, accumulate: bool = False) -> None:
        """Scalars of the gradient by z, and the gradients by gamma and beta (without the scale),
        with `accumulate` added to those of the micro-batches before."""
        d_beta, dot = self._totals()
        d_gamma = self._inverse * (dot - self._batch_mean * d_beta)
        gradient = np.stack([d_gamma, d_beta]) / loss_scale
        self._gradient = self._gradient + gradient if accumulate else gradient
        d_scale = self.gamma * self._inverse
        d_z = -d_scale * self._inverse * d_gamma / rows
        write_row(self.d_scale, d_scale)
        write_row(self.d_z, d_z)
        write_row(self.d_shift, -d_scale * d_beta / rows - d_z * self._batch_mean)

    def backward(self, program: Program, d_out: FeatureMap, z: FeatureMap, d_z: FeatureMap) -> None:
        program.affine(d_out.tensor, d_z.tensor, self.d_scale, self.d_shift, y=z.tensor,
                       beta=self.d_z, label=f"NORM {self.name}")

    def update(self, lr: float, momentum: float) -> None:
        """One step of gamma and beta, as UPDATE does it."""
        self.gamma = self._updated(0, self.gamma, lr, momentum)
        self.beta = self._updated(1, self.beta, lr, momentum)

    def update_part(self, part: int, lr: float, momentum: float, decay: float = 0.0,
                    nesterov: bool = False) -> None:
        """The same of gamma (0) or beta (1) alone, with weight decay and Nesterov's momentum."""
        if part:
            self.beta = self._updated(1, self.beta, lr, momentum, decay, nesterov)
        else:
            self.gamma = self._updated(0, self.gamma, lr, momentum, decay, nesterov)

    def _updated(self, part: int, values: np.ndarray, lr: float, momentum: float,
                 decay: float = 0.0, nesterov: bool = False) -> np.ndarray:
        gradient = self._gradient[part] + decay * values
        self.velocity[part] = moved = momentum * self.velocity[part] + gradient
        return values - lr * (momentum * moved + gradient if nesterov else moved)

    def _totals(self) -> np.ndarray:
        """float64 [2][channels], of all parts."""
        return np.stack([sums.read() for sums in self.sums]).sum(axis=0, dtype=np.float64)


def write_row(tensor: Tensor, values: np.ndarray) -> None:
    """Numbers, rounded to FP32, as a tensor of one row."""
    tensor.write(values.astype(np.float32)[None, :])
