# SPDX-License-Identifier: Apache-2.0
"""Weight gradients (WU) and updates: jobs that the array starts and the vector engine ends.

One UPDATE runs beside the WU of the next job; `schedule` finds the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..config import SatConfig
from ..memory import Compressed, Tensor
from ..plan import ARRAY, Job, issue_order, order_jobs
from ..program import Command, Program
from ..traffic import moved_bytes
from .optim import Sgd

WORTH_A_CUT = 0.97  # share of the estimated cycles below which more commands pay


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


Use = Callable[[Program, Sgd, bool], Command]  # with `True` it looks at the overflow latch


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

    def job(self, config: SatConfig, product_done: bool = False) -> Job:
        """With the cycles that its commands are estimated to take."""
        draft, sgd = Program(config), Sgd(lr=0.0, momentum=0.0)
        made = [] if product_done else [product(draft) for product in self.products]
        used = [use(draft, sgd, False) for use in self.uses]
        array_cycles, vector_cycles = (
            sum(command.estimate for command in part) for part in (made, used))
        array_reads, vector_reads = (
            sum(moved_bytes(config, command)[0] for command in part) / (config.data_w // 8)
            for part in (made, used))
        return Job(array_cycles, vector_cycles, self, len(used), array_reads, vector_reads)


Order = list[tuple[str, Job, int]]


def plan(jobs: Sequence[Job]) -> tuple[Order, float]:
    """The best order of the jobs' commands, and the cycles it is estimated to take."""
    return issue_order(order_jobs(jobs))


def plan_with_cuts(jobs_of: Callable[[list[bool]], Sequence[Job]], layers: int) -> Order:
    """The best order, where each layer whose gradient is worth it is cut into blocks of rows:
    `jobs_of` makes the jobs, given for each layer whether it is cut. It is found from none cut on,
    and from all: two cuts may pay where neither does alone."""
    def search(cut: bool, worth: float) -> tuple[Order, float]:
        cuts = [cut] * layers
        best, cycles = plan(jobs_of(cuts))
        for index in range(layers):
            trial = [*cuts[:index], not cut, *cuts[index + 1 :]]
            order, other = plan(jobs_of(trial))
            if other < worth * cycles:
                best, cycles, cuts = order, other, trial
        return best, cycles

    few, few_cycles = search(False, WORTH_A_CUT)
    many, many_cycles = search(True, 1 / WORTH_A_CUT)
    return many if many_cycles < WORTH_A_CUT * few_cycles else few


def add_gradients(program: Program, order: Order, sgd: Sgd, skip: bool,
                  accumulate: bool = False) -> None:
    """The commands of a plan; with `skip` the UPDATEs look at the overflow latch, with `accumulate`
    the gradients are added to those of the micro-batches before."""
    for engine, job, part in order:
        if engine is not ARRAY:
            job.work.uses[part](program, sgd, skip)
        elif job.array_cycles:
            job.work.start(program, accumulate)


def array_part(order: Order) -> Order:
    """The gradients of a plan without what uses them."""
    return [entry for entry in order if entry[0] is ARRAY]
