# SPDX-License-Identifier: Apache-2.0
"""Weight gradients (WU) and updates: what the array makes, and what the vector engine does with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..memory import Compressed, Tensor
from ..program import Command, Program
from .optim import Sgd
from .script import Script, Use


@dataclass(frozen=True)
class Update:
    """An UPDATE, which gets its scalars when it is added. Biases do not decay."""

    w: Tensor
    v: Tensor
    dw: Tensor
    label: str
    ff: Compressed | None = None
    bp: Compressed | None = None
    decays: bool = True

    def __call__(self, program: Program, sgd: Sgd, skip: bool) -> Command:
        return program.update(
            self.w, self.v, self.dw, lr=sgd.lr, momentum=sgd.momentum, inv_scale=sgd.inv_scale,
            decay=sgd.decay if self.decays else None, ff=self.ff, bp=self.bp,
            skip_on_overflow=skip, label=self.label)

    def nesterov(self) -> list[Use]:
        """The same with Nesterov's momentum, as torch has it: V = momentum*V + g, and then
        W = W - lr*(momentum*V + g). Two UPDATEs: the first leaves W alone, and in the second V and
        the gradient change places, with what each is multiplied by. The gradient is lost."""
        def velocity(program: Program, sgd: Sgd, skip: bool) -> Command:
            return replace(self, ff=None, bp=None)(program, replace(sgd, lr=0.0), skip)

        def weights(program: Program, sgd: Sgd, skip: bool) -> Command:
            swapped = replace(sgd, momentum=sgd.inv_scale, inv_scale=sgd.momentum)
            return replace(self, v=self.dw, dw=self.v)(program, swapped, skip)

        return [velocity, weights]


@dataclass(frozen=True)
class Gradient:
    """What makes a gradient on the array (products of parts of the reduction, whose sums are added
    up in `total`; or nothing), and what the vector engine does after it: an UPDATE or several,
    perhaps after something else."""

    products: Sequence[Callable[..., Command]]  # take the addend as `residual`
    total: Tensor | None
    uses: list[Use]

    def start(self, program: Program, accumulate: bool = False) -> None:
        """Adds the array's commands; with `accumulate` to what `total` holds already."""
        for number, product in enumerate(self.products):
            product(program, residual=self.total if accumulate or number else None)

    def use(self, script: Script, skip: bool = False) -> None:
        """Adds the vector engine's; with `skip` they look at the overflow latch."""
        for use in self.uses:
            script.update(use, skip)
