# SPDX-License-Identifier: Apache-2.0
"""Where the time of a step goes: passes of layers, sorted by their share; by estimates, the cycle
model or RTL."""

from __future__ import annotations

from rich.table import Table

from ..config import SatConfig
from .cost import Run
from .description import Network, Sparsity
from .step import Cost, Step
from .verify import Verified


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
