# SPDX-License-Identifier: Apache-2.0
"""Where the time of a step goes: passes of layers, sorted by their share; by estimates or the cycle
model, in RTL or on the golden model."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from ..address_space import align
from ..backend import Result
from ..backends import GoldenBackend
from ..config import SatConfig
from ..core import Core
from ..plan import model
from ..program import Program
from .cost import Run
from .description import Network, Sparsity
from .draft import DraftBackend
from .step import Cost, Step
from .verify import Verified, on_random_numbers


def profile(step: Step, rows: int, note: str = "") -> Table:
    """The `rows` largest, and the rest as one: million cycles in which either engine works on them,
    share of all such cycles, multiplies needed per PE and cycle of the array, and traffic. The
    engines overlap, so that together they are more than the step."""
    pes = step.config.rows * step.config.cols
    total = sum(map(_cycles, step.labels.values()))
    table = Table("pass", "layer", title=f"{step.network} at {step.nm}, {step.cycles / 1e6:,.1f} M "
                  f"cycles on {step.config.rows}x{step.config.cols}{note}")
    for column in ("array", "vector", "share", "used", "GB"):
        table.add_column(column, justify="right")
    costs = sorted(step.labels.items(), key=lambda entry: -_cycles(entry[1]))
    rest = Cost()
    for label, cost in costs[rows:]:
        rest.merge(cost)
    shown = costs[:rows] + ([(f"rest: {len(costs) - rows}", rest)] if costs[rows:] else [])
    for label, cost in shown:
        used = cost.macs / (pes * cost.array_cycles) if cost.array_cycles else None
        name, _, layer = label.partition(" ")
        table.add_row(name, layer, _millions(cost.array_cycles), _millions(cost.vector_cycles),
                      f"{_cycles(cost) / total:.1%}", "" if used is None else f"{used:.1%}",
                      f"{cost.bytes / 1e9:.2f}")
    return table


def _cycles(cost: Cost) -> float:
    return cost.array_cycles + cost.vector_cycles


def _millions(cycles: float) -> str:
    return f"{cycles / 1e6:,.2f}" if cycles else ""


def measured_step(network: Network, config: SatConfig, batch: int, nm: Sparsity, made: Verified
                  ) -> Step:
    """Of commands that RTL has run one by one: nothing overlaps in it."""
    step = Step(network.name, config, batch, nm)
    for one in made.programs:
        command, = one.commands
        begin = step.cycles
        run = Run(command, begin, begin + one.cycles, one.counters["BYTES_READ"],
                  one.counters["BYTES_WRITTEN"])
        step.programs[one.name] += one.cycles
        step.labels[command.label].add(config, run, 1)
        step.timeline.append((one.name, run.start, run.end, [run]))
    return step


@dataclass
class Spent:
    """Processor time and multiplies of a label's commands on the golden model."""

    seconds: float = 0.0
    macs: int = 0


class Stopwatch(GoldenBackend):
    """Times each command. `report` hears of each program."""

    def __init__(self, config: SatConfig, size: int, report: Callable[[str], None]):
        super().__init__(config, 0, size)
        self.spent: dict[str, Spent] = defaultdict(Spent)
        self._report = report

    def run(self, addr: int, program: Program) -> Result:
        result = Result()
        for command in program:
            begin = time.process_time()
            result = super().run(addr, Program(program.config, [command], program.backend))
            if command.engine:
                self.spent[command.label].seconds += time.process_time() - begin
                self.spent[command.label].macs += command.macs
        seconds = sum(one.seconds for one in self.spent.values())
        self._report(f"{program.commands[0].label}: {seconds:.1f} s so far")
        return result


def on_golden(network: Network, config: SatConfig, batch: int, seed: int,
              report: Callable[[str], None] = lambda line: None) -> dict[str, Spent]:
    """What a step of `batch` samples on random numbers from `seed` takes the golden model, by
    label. Of parts that are alike it counts one."""
    spent: dict[str, Spent] = {}
    for part in network.parts:
        with DraftBackend(config) as draft:
            part.lower(Core(draft), batch, np.random.default_rng(0))
            size = align(draft.used, model.PAGE)
        with Stopwatch(config, size, report) as backend:
            lowered = on_random_numbers(part, backend, batch, np.random.default_rng(seed))
            backend.spent.clear()  # of the set-up
            for name, script in lowered.scripts.items():
                script.run(name, {})
            spent |= backend.spent
    return spent


def golden_profile(title: str, spent: dict[str, Spent], rows: int) -> Table:
    """The `rows` labels that take most of the time, and the rest as one."""
    total = sum(one.seconds for one in spent.values())
    table = Table("pass", "layer", title=f"{title}, {total:.1f} s on the golden model")
    for column in ("s", "share", "G multiplies"):
        table.add_column(column, justify="right")
    entries = sorted(spent.items(), key=lambda entry: -entry[1].seconds)
    rest = Spent(sum(one.seconds for _, one in entries[rows:]),
                 sum(one.macs for _, one in entries[rows:]))
    for label, one in entries[:rows] + ([(f"rest: {len(entries) - rows}", rest)]
                                        if entries[rows:] else []):
        name, _, layer = label.partition(" ")
        table.add_row(name, layer, f"{one.seconds:.2f}", f"{one.seconds / total:.1%}",
                      f"{one.macs / 1e9:.3f}" if one.macs else "")
    return table
