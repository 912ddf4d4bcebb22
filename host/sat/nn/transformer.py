# SPDX-License-Identifier: Apache-2.0
"""A transformer encoder block trained with BDWP: which commands make up a step.

    h = x + attention(norm(x)) . W_out + b        y = h + relu(norm(h) . W_up + b) . W_down + b

Rows are tokens, `batch*tokens` of them. The linear layers are N:M, the products of attention are
dense MATMULs per sequence and head. Softmax and layer norm run on the host
(docs/results/transformer.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sat_golden.compress import check_nm
from sat_golden.defs import COLS_MAX, SIZE_MAX, TENSOR_ALIGN

from ..core import MAX_COMMANDS, Core
from ..memory import FP16, FP32, Compressed, Tensor
from ..program import Program
from .functional import layer_norm, layer_norm_backward, softmax, softmax_backward
from .gradients import Gradient
from .layers import DENSE, Bias, LayerSpec, Linear
from .loss import LossFunction, column_sums
from .optim import LOST_WEIGHTS, LossScale, Sgd, TrainingDiverged
from .schedule import Schedule, choose_cuts
from .script import Measure, Script, StepResult
from .sparse_wu import SparseWu
from .temporaries import Temporaries

HEAD_UNIT = 8 * TENSOR_ALIGN // FP16.bits  # columns of a 64-byte line
Q, K, V = range(3)  # their places among the columns of the first layer


class Overflow(ArithmeticError):
    """A NaN or an infinity came up."""


@dataclass(frozen=True)
class BlockShape:
    """Sizes of a block; `hidden` is the MLP's. A head's columns start on a 64-byte line."""

    batch: int
    tokens: int
    dim: int
    heads: int
    hidden: int

    def __post_init__(self) -> None:
        for name in ("batch", "tokens", "dim", "heads", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is not positive")
        if self.dim % self.heads or self.head_dim % HEAD_UNIT:
            raise ValueError(f"dim: {self.dim} is not {self.heads} heads of a multiple of "
                             f"{HEAD_UNIT}")
        for name, size, most in (
                ("dim", 3 * self.dim, COLS_MAX), ("hidden", self.hidden, COLS_MAX),
                ("batch", self.batch * max(self.heads * self.tokens, self.dim), SIZE_MAX)):
            if size > most:
                raise ValueError(f"{name}: makes a matrix of {size} rows or columns, above {most}")
        if self.batch * (2 * self.heads + 1) + 1 > MAX_COMMANDS:
            raise ValueError(f"batch: {self.batch} sequences of {self.heads} heads make more than "
                             f"{MAX_COMMANDS} commands")

    @property
    def rows(self) -> int:
        return self.batch * self.tokens

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


def values(tensor: Tensor) -> np.ndarray:
    """What the host computes with: float64."""
    return tensor.read().astype(np.float64)


def write_fp16(tensor: Tensor, array: np.ndarray) -> np.ndarray:
    """Round float64 to FP16, and return that. Raises Overflow for what is not finite then."""
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float16)
    if not np.isfinite(rounded).all():
        raise Overflow(f"{tensor.name}: a NaN or an infinity")
    tensor.write(rounded)
    return rounded


class LayerNorm:
    """Scale and shift of a layer norm, which UPDATE trains. The norm itself is the host's work."""

    def __init__(self, core: Core, name: str, cols: int):
        self.name = name
        self.scale, self.shift = (Bias(core, f"{name}.{part}", cols) for part in ("scale", "shift"))
        self.scale.row.write(np.ones((1, cols), np.float32))

    def forward(self, x: Tensor, out: Tensor) -> None:
        write_fp16(out, layer_norm(values(x), values(self.scale.row), values(self.shift.row)))

    def backward(self, x: Tensor, d_norm: Tensor, d_beside: Tensor, d_x: Tensor,
                 d_bias: Tensor | None) -> None:
        """`d_x`: the gradient through the norm and, beside it, through the residual. `d_bias` gets
        its sums."""
        gradient, d_scale, d_shift = layer_norm_backward(values(x), values(self.scale.row),
                                                         values(d_norm))
        written = write_fp16(d_x, gradient + values(d_beside))
        self.scale.gradient.write(d_scale.astype(np.float32))
        self.shift.gradient.write(d_shift.astype(np.float32))
        if d_bias:
            d_bias.write(column_sums(written))

    def add_forward(self, script: Script, x: Tensor, out: Tensor) -> None:
        script.host(partial(self.forward, x, out), [x, self.scale.row, self.shift.row], [out])

    def add_backward(self, script: Script, x: Tensor, d_norm: Tensor, d_beside: Tensor,
                     d_x: Tensor, d_bias: Tensor | None = None) -> None:
        script.host(partial(self.backward, x, d_norm, d_beside, d_x, d_bias),
                    [x, self.scale.row, d_norm, d_beside],
                    [d_x, self.scale.gradient, self.shift.gradient, *([d_bias] if d_bias else [])])

    def gradient(self) -> Gradient:
        return Gradient([], None, [self.scale.update, self.shift.update])


class TransformerBlock:
    """A pre-norm encoder block on a core, trained by momentum SGD with loss scaling.

    `nm` and `wu` hold for all four linear layers: `qkv` (Q, K and V side by side), `out`, `up` and
    `down`.
    Their sums are `layer.out`, the gradients at them `layer.d_out`; `y` is `down.out`. After a step
    `d_x` is the gradient at the input, times the loss scale. All but x and y and their gradients
    shares memory where a step does not need it together (sat.nn.temporaries), and holds what it
    should between its first and its last use; with `keep` it does so until the next step.
    """

    def __init__(self, core: Core, shape: BlockShape, rng: np.random.Generator,
                 nm: tuple[int, int] = DENSE, lr: float = 0.05, momentum: float = 0.9,
                 scale: LossScale | None = None, wu: SparseWu | None = None, keep: bool = False):
        check_nm(*nm)
        self.core, self.shape, self.lr, self.momentum = core, shape, lr, momentum
        self.scale = scale or LossScale()
        Sgd(lr, momentum)  # checks them
        self.norms = [LayerNorm(core, f"norm{index}", shape.dim) for index in range(2)]
        self.temporaries = Temporaries(core, keep)
        dim, hidden = shape.dim, shape.hidden
        self.layers = [Linear(core, name, LayerSpec(inputs, outputs, *nm, wu), shape.rows,
                              rng, temporaries=self.temporaries, last=name == "down")
                       for name, inputs, outputs in (
                           ("qkv", dim, 3 * dim), ("out", dim, dim), ("up", dim, hidden),
                           ("down", hidden, dim))]
        self.qkv, self.out, self.up, self.down = self.layers
        self._new_tensors()
        self._forward = self._forward_schedule()
        self._backward = self._backward_schedule()
        self.temporaries.use("step", [[self._forward, self._backward]])
        self.prune()

    @property
    def peak_bytes(self) -> int:
        """Of the core's memory that are in use."""
        return self.temporaries.peak_bytes

    def _new_tensors(self) -> None:
        """What is not a layer's own. Only the host reads what is FP32."""
        s, tensor = self.shape, self.temporaries.tensor
        tokens, squares = (s.rows, s.dim), (s.batch * s.heads * s.tokens, s.tokens)
        self.x, self.d_x = (self.core.tensor(name, tokens, FP16) for name in ("x", "d_x"))
        self.x_norm, self.context, self.h_norm, self.d_context = (
            tensor(name, tokens, FP16) for name in ("x_norm", "context", "h_norm", "d_context"))
        self.d_x_norm, self.d_h_norm = (tensor(name, tokens, FP32)
                                        for name in ("d_x_norm", "d_h_norm"))
        self.scores, self.d_attention = (tensor(name, squares, FP32)
                                         for name in ("scores", "d_attention"))
        self.attention, self.d_scores = (tensor(name, squares, FP16)
                                         for name in ("attention", "d_scores"))
        # Transposes are what PRUNE writes with N = M: [dim][tokens] of each sequence.
        self.k_t, self.v_t = (
            self.temporaries.compressed(name, (s.batch * s.dim, s.tokens), *DENSE)
            for name in ("k_t", "v_t"))

    def prune(self) -> None:
        """Make the copies of all weights; again, if the host has written weights."""
        program = self.core.program()
        for layer in self.layers:
            layer.prune(program)
        self.core.run(program)

    # One head of a sequence

    def _head(self, matrix: Tensor, sequence: int, head: int, part: int = 0) -> Tensor:
        """[tokens][head_dim] of [batch*tokens][dim], or of Q, K or V side by side."""
        s, row = self.shape, sequence * self.shape.tokens
        column = part * s.dim + head * s.head_dim
        return matrix[row : row + s.tokens, column : column + s.head_dim]

    def _square(self, matrix: Tensor, sequence: int, head: int) -> Tensor:
        """[tokens][tokens]"""
        row = (sequence * self.shape.heads + head) * self.shape.tokens
        return matrix[row : row + self.shape.tokens, :]

    def _transposed(self, matrix: Compressed, sequence: int, head: int) -> Compressed:
        """[head_dim][tokens]"""
        row = sequence * self.shape.dim + head * self.shape.head_dim
        return matrix[row : row + self.shape.head_dim, :]

    def _heads(self) -> Iterator[tuple[int, int]]:
        for sequence in range(self.shape.batch):
            for head in range(self.shape.heads):
                yield sequence, head

    def _heads_after_transpose(self, program: Program, part: int, out: Compressed, label: str
                               ) -> Iterator[tuple[int, int]]:
        """The heads, once K or V of their sequence is transposed. The next sequence's is transposed
        beside what is done with them."""
        s = self.shape

        def transpose(index: int) -> None:
            rows = slice(index * s.tokens, (index + 1) * s.tokens)
            program.prune(self.qkv.out[rows, part * s.dim : (part + 1) * s.dim],
                          bp=out[index * s.dim : (index + 1) * s.dim, :], label=label)

        transpose(0)
        for sequence, head in self._heads():
            if head == 0 and sequence + 1 < s.batch:
                transpose(sequence + 1)
            yield sequence, head

    # The passes

    def _forward_schedule(self) -> Schedule:
        script = Script(self.core)
        self.norms[0].add_forward(script, self.x, self.x_norm)
        self._ff(script.program, self.qkv, self.x_norm)
        self._add_scores(script.program)
        script.host(self._softmax, [self.scores], [self.attention])
        self._add_context(script.program)
        self._ff(script.program, self.out, self.context, residual=self.x)
        self.norms[1].add_forward(script, self.out.out, self.h_norm)
        self._ff(script.program, self.up, self.h_norm, relu=True)
        self._ff(script.program, self.down, self.up.out, residual=self.out.out)
        return Schedule(script)

    def _backward_schedule(self) -> Schedule:
        """BP, WU and, after the check, updates. The host has seen by then that nothing overflowed,
        and dW of finite operands is finite: no UPDATE needs to skip itself."""
        script = Script(self.core)
        self.down.select(script.program)
        self.down.backward(script.program, self.up.d_out, mask=self.up.out, sums=self.up.sums)
        self.up.select(script.program)
        self.up.backward(script.program, self.d_h_norm)
        self.norms[1].add_backward(script, self.out.out, self.d_h_norm, self.down.d_out,
                                   self.out.d_out, self.out.d_bias)
        self.out.select(script.program)
        self.out.backward(script.program, self.d_context)
        self._add_context_bp(script.program)
        script.host(self._softmax_bp, [self.attention, self.d_attention], [self.d_scores])
        self._add_scores_bp(script.program)
        self.qkv.select(script.program)
        self.qkv.backward(script.program, self.d_x_norm)
        self.norms[0].add_backward(script, self.x, self.d_x_norm, self.out.d_out, self.d_x)
        gradients = self._gradients(choose_cuts(self.core, self._gradients, len(self.layers)))
        for gradient in gradients:
            gradient.start(script.program)
        script.check()
        for gradient in gradients:
            gradient.use(script)
        return Schedule(script)

    @staticmethod
    def _ff(program: Program, layer: Linear, x: Tensor, **epilogue) -> None:
        program.matmul(x, layer.ff, layer.out, bias=layer.bias, **epilogue,
                       label=f"FF {layer.name}")

    def _add_scores(self, program: Program) -> None:
        for at in self._heads_after_transpose(program, K, self.k_t, "FF transpose"):
            program.matmul(self._head(self.qkv.out, *at, Q), self._transposed(self.k_t, *at),
                           self._square(self.scores, *at), label="FF attention")

    def _add_context(self, program: Program) -> None:
        for at in self._heads():
            program.matmul(self._square(self.attention, *at), self._head(self.qkv.out, *at, V),
                           self._head(self.context, *at), label="FF attention")

    def _add_context_bp(self, program: Program) -> None:
        for at in self._heads_after_transpose(program, V, self.v_t, "BP transpose"):
            d_context = self._head(self.d_context, *at)
            program.matmul(d_context, self._transposed(self.v_t, *at),
                           self._square(self.d_attention, *at), label="BP attention")
            program.matmul(self._square(self.attention, *at), d_context,
                           self._head(self.qkv.d_out, *at, V), a_trans=True, label="BP attention")

    def _add_scores_bp(self, program: Program) -> None:
        for at in self._heads():
            d_scores = self._square(self.d_scores, *at)
            program.matmul(d_scores, self._head(self.qkv.out, *at, K),
                           self._head(self.qkv.d_out, *at, Q), label="BP attention")
            program.matmul(d_scores, self._head(self.qkv.out, *at, Q),
                           self._head(self.qkv.d_out, *at, K), a_trans=True, label="BP attention")

    def _softmax(self) -> None:
        write_fp16(self.attention, softmax(values(self.scores) / np.sqrt(self.shape.head_dim)))

    def _softmax_bp(self) -> None:
        gradient = softmax_backward(values(self.attention), values(self.d_attention))
        write_fp16(self.d_scores, gradient / np.sqrt(self.shape.head_dim))

    def _gradients(self, cuts: Sequence[bool]) -> list[Gradient]:
        """Of everything; some layers' are cut into blocks. Of the biases the sums of dY are there:
        those of `up` come with BP, those of `out` and `down`, which the host writes, from the host.
        For `qkv`, of which attention makes piece after piece, STATS adds them up."""
        inputs = self.x_norm, self.context, self.h_norm, self.up.out
        return [*(norm.gradient() for norm in self.norms),
                *(gradient for layer, x, cut in zip(self.layers, inputs, cuts)
                  for gradient in layer.gradients(x, cut=cut, summed=layer is not self.qkv))]

    @property
    def scripts(self) -> dict[str, Script]:
        """Those of a step, by what they do."""
        backward, update = self._backward.scripts(Sgd(self.lr, self.momentum, 1 / self.scale.value))
        forward, = self._forward.scripts()
        return {"FF": forward, "BP+WU": backward, "WU+UPDATE": update}

    @property
    def macs(self) -> int:
        """Multiplies that one step needs at the block's N:M."""
        return sum(program.macs for script in self.scripts.values() for program in script.programs)

    # Steps

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The output float16 [batch*tokens][dim] for float16 [batch][tokens][dim] (or rows).
        Raises Overflow."""
        self._write_input(x)
        if self._forward.scripts()[0].run("FF", {}):
            raise Overflow("FF: a NaN or an infinity was written")
        return self.down.out.read()

    def train_step(self, x: np.ndarray, loss: LossFunction,
                   measures: dict[str, Measure] | None = None) -> StepResult:
        """One step: x float16 [batch][tokens][dim]; `loss` is asked for value and gradient of y.

        An overflow gives up the step before it changes a weight, and halves the loss scale.
        TrainingDiverged if the update overflows, which costs the weights, or if the scale cannot
        fall any more. With `measures` each command is run and measured alone; the bits are the
        same.
        """
        scripts = self.scripts
        self.core.next_samples()
        self._write_input(x)
        step = StepResult(float("nan"), 0, True)
        try:
            step.skipped = (scripts["FF"].run("FF", step.programs, measures)
                            or self._run_backward(scripts["BP+WU"], loss, step, measures))
        except Overflow:  # in what the host computed
            pass
        if not step.skipped and scripts["WU+UPDATE"].run("WU+UPDATE", step.programs, measures):
            raise TrainingDiverged(LOST_WEIGHTS)
        self.scale.update(step.skipped)
        return step

    def _run_backward(self, backward: Script, loss: LossFunction, step: StepResult,
                      measures: dict[str, Measure] | None) -> bool:
        y = self.down.out.read()
        step.loss, gradient = loss(y)
        if gradient.shape != y.shape:
            raise ValueError(f"loss: gradient of shape {gradient.shape}, but y has {y.shape}")
        written = write_fp16(self.down.d_out, gradient * self.scale.value)
        if self.down.d_bias:
            self.down.d_bias.write(column_sums(written))
        return backward.run("BP+WU", step.programs, measures)

    def _write_input(self, x: np.ndarray) -> None:
        s = self.shape
        if x.shape not in ((s.batch, s.tokens, s.dim), (s.rows, s.dim)):
            raise ValueError(f"x: shape {x.shape}, but must be {(s.batch, s.tokens, s.dim)}")
        if x.dtype != np.float16:
            raise TypeError(f"x: {x.dtype}, but must be float16")
        self.x.write(x.reshape(s.rows, s.dim))
