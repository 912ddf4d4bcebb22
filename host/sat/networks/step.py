# SPDX-License-Identifier: Apache-2.0
"""A training step of a network on a configuration: its cycles, bytes and multiplies, in all, by
pass and by layer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from ..config import SatConfig
from ..core import Core
from ..nn.script import HostWork
from ..nn.temporaries import life_of
from ..plan import ARRAY
from ..plan.place import Life, fullest
from ..traffic import tensor_bytes
from .cost import Run, run, run_exact
from .description import NM, Lowered, Network, Sparsity
from .draft import DraftBackend
from .energy import KINDS, energy


@dataclass
class Cost:
    """Of some commands. Engines work beside each other, so a step takes fewer cycles than both
    together. Energies are estimates (networks.energy)."""

    array_cycles: float = 0.0
    vector_cycles: float = 0.0
    macs: int = 0
    bytes_read: float = 0.0
    bytes_written: float = 0.0
    multiply_pj: float = 0.0
    scratchpad_pj: float = 0.0
    vector_pj: float = 0.0
    memory_pj: float = 0.0

    def add(self, config: SatConfig, made: Run, count: int) -> None:
        if made.command.engine is ARRAY:
            self.array_cycles += count * made.cycles
        else:
            self.vector_cycles += count * made.cycles
        self.macs += count * made.command.macs
        self.bytes_read += count * made.bytes_read
        self.bytes_written += count * made.bytes_written
        for kind, value in energy(config, made).items():
            setattr(self, kind, getattr(self, kind) + count * value)

    def merge(self, other: Cost) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def bytes(self) -> float:
        return self.bytes_read + self.bytes_written


@dataclass
class Step:
    """programs     cycles by what programs do
    labels          cost by the commands' labels, "PASS layer"
    timeline        name, start, end and commands of each program; of parts that are alike the first
    host_bytes      read and written by the host
    memory_bytes    of all tensors, where those that are never needed together share memory
    largest         of the tensors that are needed at a time
    """

    network: str
    config: SatConfig
    batch: int
    nm: Sparsity
    programs: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    labels: dict[str, Cost] = field(default_factory=lambda: defaultdict(Cost))
    timeline: list[tuple[str, float, float, list[Run]]] = field(default_factory=list)
    host_bytes: int = 0
    memory_bytes: int = 0
    largest: list[Life] = field(default_factory=list)

    @property
    def cycles(self) -> float:
        return sum(self.programs.values())

    @property
    def macs(self) -> int:
        return sum(cost.macs for cost in self.labels.values())

    @property
    def bytes(self) -> float:
        return sum(cost.bytes for cost in self.labels.values())

    @property
    def energy(self) -> dict[str, float]:
        """Joules by kind, an estimate."""
        return {kind.removesuffix("_pj"): 1e-12 * sum(getattr(cost, kind)
                                                      for cost in self.labels.values())
                for kind in KINDS}

    @property
    def utilization(self) -> float:
        """Multiplies needed, per PE and cycle."""
        return self.macs / (self.config.rows * self.config.cols * self.cycles)

    def passes(self) -> dict[str, Cost]:
        """Cost by the labels' first word."""
        made: dict[str, Cost] = defaultdict(Cost)
        for label, cost in self.labels.items():
            made[label.split()[0]].merge(cost)
        return dict(made)


def train(network: Network, config: SatConfig, nm: NM, batch: int | None = None,
          exact: bool = False) -> Step:
    """A step of the network; `exact` times it by the cycle model."""
    step = Step(network.name, config, batch or network.batch, Sparsity(*nm))
    for part in network.parts:
        with DraftBackend(config) as backend:
            core = Core(backend)
            lowered = part.lower(core, step.batch, np.random.default_rng(0))
            _add(step, lowered, part.count, exact)
            step.memory_bytes += peak_bytes(core, lowered, part.count)
            step.largest += needed_at_a_time(core, lowered)
    step.largest.sort(key=lambda life: -life.size)
    return step


def peak_bytes(core: Core, lowered: Lowered, count: int) -> int:
    """Of `count` parts like this one, of which each keeps until its BP what FF leaves for that.
    What shares memory does so with all of them."""
    lasting = sum(life.size for life in map(life_of, core.tensors))
    temporaries = lowered.temporaries
    if temporaries is None:
        return count * lasting
    saved = temporaries.held_at(len(lowered.forward.steps) - 1)
    again = lasting + saved - sum(life_of(tensor).size for tensor in lowered.passed)
    return lasting + temporaries.shared_bytes + (count - 1) * again


def needed_at_a_time(core: Core, lowered: Lowered) -> list[Life]:
    """Where a step needs most."""
    temporaries = lowered.temporaries
    return [*map(life_of, core.tensors), *(fullest(temporaries.lives()) if temporaries else [])]


def _add(step: Step, lowered: Lowered, count: int, exact: bool) -> None:
    programs = [item for script in lowered.scripts.values() for item in script.steps
                if not isinstance(item, HostWork)]
    timed = (run_exact(step.config, programs) if exact
             else (list(run(step.config, program)) for program in programs))
    step.host_bytes += count * sum(map(tensor_bytes, (*lowered.reads, *lowered.writes)))
    for name, script in lowered.scripts.items():
        for item in script.steps:
            if isinstance(item, HostWork):
                step.host_bytes += count * sum(map(tensor_bytes, (*item.reads, *item.writes)))
                continue
            begin = step.timeline[-1][2] if step.timeline else 0.0
            runs = [made.after(begin) for made in next(timed)]
            for made in runs:
                if made.command.engine:
                    step.labels[made.command.label].add(step.config, made, count)
            end = max((made.end for made in runs), default=begin)
            step.programs[name] += count * (end - begin)
            times = f", one of {count}" if count > 1 else ""
            step.timeline.append((f"{name}{times}", begin, end, runs))
