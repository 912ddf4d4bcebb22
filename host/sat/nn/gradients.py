# SPDX-License-Identifier: Apache-2.0
"""Weight gradients (WU) and updates: jobs that the array starts and the vector engine ends.

One UPDATE runs beside the WU of the next job; `schedule` finds the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..config import SatConfig
from ..plan import ARRAY, Job, interleave, order_jobs
from ..program import Command, Program
from .optim import Sgd

WORTH_A_CUT = 0.97  # share of the estimated cycles below which more commands pay


Call = tuple[str, dict[str, Any]]  # a method of Program, and its arguments


@dataclass(frozen=True)
class Gradient:
    """What makes a gradient on the array (None: nothing), and what the vector engine does after it:
    an UPDATE or several, which get their scalars when they are added. Biases do not decay."""

    product: Call | None
    uses: list[Call]
    decays: bool = True

    def add_product(self, program: Program) -> Command:
        method, arguments = self.product
        return getattr(program, method)(**arguments)

    def add_use(self, program: Program, part: int, sgd: Sgd, skip: bool) -> Command:
        method, arguments = self.uses[part]
        if method == "update":
            arguments = dict(arguments, lr=sgd.lr, momentum=sgd.momentum, inv_scale=sgd.inv_scale,
                             decay=sgd.decay if self.decays else None, skip_on_overflow=skip)
        return getattr(program, method)(**arguments)

    def job(self, config: SatConfig, product_done: bool = False) -> Job:
        """With the cycles that its commands are estimated to take."""
        draft, sgd = Program(config), Sgd(lr=0.0, momentum=0.0)
        made = 0.0 if product_done or not self.product else self.add_product(draft).estimate
        used = sum(self.add_use(draft, part, sgd, skip=False).estimate
                   for part in range(len(self.uses)))
        return Job(made, used, self, len(self.uses))


Order = list[tuple[str, Job, int]]


def plan(jobs: Sequence[Job]) -> tuple[Order, float]:
    """The best order of the jobs' commands, and the cycles it is estimated to take."""
    return interleave(order_jobs(jobs))


def add_gradients(program: Program, order: Order, sgd: Sgd, skip: bool) -> None:
    """The commands of a plan; with `skip` the UPDATEs look at the overflow latch."""
    for engine, job, part in order:
        if engine is not ARRAY:
            job.work.add_use(program, part, sgd, skip)
        elif job.array_cycles:
            job.work.add_product(program)
