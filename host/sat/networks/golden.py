# SPDX-License-Identifier: Apache-2.0
"""What a step takes the golden model: processor time of each pass of a layer."""

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
from .description import Network
from .draft import DraftBackend
from .verify import on_random_numbers


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
