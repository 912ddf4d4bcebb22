# SPDX-License-Identifier: Apache-2.0
"""A step of a network in RTL: every bit compared with the golden model, cycles with the model's.

The commands are those that the table of `sat networks` times, on random weights, inputs and
gradients; the golden model runs them all, RTL all of them, or those of some layers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..address_space import align
from ..backend import Backend, Result
from ..backends import CheckedBackend, GoldenBackend, SimBackend
from ..config import SatConfig
from ..core import Core
from ..plan import model
from ..program import Command, Program
from ..toolchain import ToolError
from .cost import run
from .description import Lowered, Network, Part
from .draft import DraftBackend

TOLERANCE = 0.01  # of the cycles
SLACK = 20  # cycles that are always allowed


@dataclass(frozen=True)
class Measured:
    """Commands that RTL has run as a program, of the script `name`."""

    name: str
    commands: Sequence[Command]
    counters: dict[str, int]
    modelled: dict[str, int]

    @property
    def labels(self) -> list[str]:
        return list(dict.fromkeys(command.label for command in self.commands))

    @property
    def cycles(self) -> int:
        return self.counters["CYCLES"]

    @property
    def differences(self) -> dict[str, int]:
        """Counters of which the model has more, or less."""
        return {name: value - self.counters[name] for name, value in self.modelled.items()
                if value != self.counters[name]}

    @property
    def holds(self) -> bool:
        return abs(self.differences.get("CYCLES", 0)) <= max(SLACK, TOLERANCE * self.cycles)


@dataclass
class Verified:
    """What came of a network.

    programs  what RTL has run
    tensors   written by their commands, and compared
    reports   of those that differ
    seconds   of processor time that the RTL took
    """

    programs: list[Measured] = field(default_factory=list)
    tensors: int = 0
    differing_bits: int = 0
    reports: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def cycles(self) -> int:
        return sum(made.cycles for made in self.programs)

    @property
    def modelled(self) -> int:
        return sum(made.modelled["CYCLES"] for made in self.programs)

    @property
    def differences(self) -> int:
        """Counters that are not what the model says."""
        return sum(len(made.differences) for made in self.programs)

    @property
    def holds(self) -> bool:
        """Every bit, and the cycles of each program, closely enough."""
        return not self.differing_bits and all(made.holds for made in self.programs)


class Proof(CheckedBackend):
    """Runs all commands on the golden model, and those that are `wanted` in RTL, too; where others
    came between, RTL first gets the golden model's memory. `done` hears of what RTL has run;
    `alone` makes each command a program of its own."""

    def __init__(self, config: SatConfig, size: int, done: Callable[[Measured], None],
                 alone: bool = False):
        device = SimBackend(config, 0, size, max_cycles=(1 << 32) - 1)
        device.step(model.start_cycles(config))
        super().__init__(device, GoldenBackend(config, 0, size))
        self.name = ""  # of what runs
        self.wanted: Callable[[Command], bool] = lambda command: False
        self._done, self._alone, self._stale = done, alone, False

    @property
    def _front(self) -> Backend:
        return self.reference

    def run(self, addr: int, program: Program) -> Result:
        with self.lock:
            result = Result()
            for wanted, part in parts(program, self.wanted, self._alone):
                result = self._run_both(addr, part) if wanted else self.reference.run(addr, part)
                self._stale |= not wanted
                if result.overflow:
                    raise ArithmeticError(f"{self.name}: a result overflows, after which a step "
                                          "is skipped")
            return result

    def _run_both(self, addr: int, program: Program) -> Result:
        if self._stale and self.device:
            self.device.write_memory(self.memory_base, self.reference.read_memory(
                self.memory_base, self.memory_size))
            self._stale = False
        result = super().run(addr, program)
        made = model.run(self.config, [command.descriptor for command in program], addr)
        self._done(Measured(self.name, program.commands, result.counters, made.counters))
        return result


def verify(network: Network, config: SatConfig, batch: int, seed: int,
           layers: Collection[str] = (), report: Callable[[str], None] = lambda line: None,
           alone: bool = False) -> Verified:
    """A step of `batch` samples on random numbers from `seed`; with `layers` only their commands
    run in RTL, and `alone` each of them as a program. ToolError for layers that the network has
    not got.

    `report` hears of each program how far the step is. ArithmeticError if something overflows.
    """
    def wanted(command: Command) -> bool:
        return not layers or layer_of(command) in layers

    made, sizes, expected = Verified(), [], 0.0
    names: set[str] = set()
    for part in network.parts:
        with DraftBackend(config) as draft:
            lowered = part.lower(Core(draft), batch, np.random.default_rng(0))
            for program in programs_of(lowered):
                names |= set(map(layer_of, program))
                expected += sum(max(one.end for one in run(config, some))
                                for chosen, some in parts(program, wanted) if chosen)
            sizes.append(align(draft.used, model.PAGE))
    for layer in layers:
        if layer not in names:
            raise ToolError(f"{network.name} has no layer {layer}, but {', '.join(sorted(names))}")

    def done(one: Measured) -> None:
        made.programs.append(one)
        report(f"{one.name}, {one.labels[0]}: {made.cycles / 1e6:.2f} of about "
               f"{expected / 1e6:.2f} million cycles")

    for part, size in zip(network.parts, sizes):
        with Proof(config, size, done, alone) as proof:
            _run_part(part, proof, batch, np.random.default_rng(seed), wanted)
            made.tensors += proof.tensors_compared
            made.differing_bits += proof.differing_bits
            made.reports += proof.reports
            made.seconds += proof.device_seconds
    return made


def _run_part(part: Part, proof: Proof, batch: int, rng: np.random.Generator,
              wanted: Callable[[Command], bool]) -> None:
    """A step of a part; the copies of its first weights are the golden model's work."""
    proof.name = "set-up"
    lowered = on_random_numbers(part, proof, batch, rng)
    proof.wanted = wanted
    for name, script in lowered.scripts.items():
        proof.name = name
        script.run(name, {})


def on_random_numbers(part: Part, backend: Backend, batch: int, rng: np.random.Generator
                      ) -> Lowered:
    """A part on a core, with all that the host and other parts write."""
    lowered = part.lower(Core(backend), batch, rng)
    for tensor in (*lowered.writes, *lowered.given):
        tensor.write(rng.standard_normal(tensor.shape).astype(np.float16))
    return lowered


def programs_of(lowered: Lowered) -> Iterator[Program]:
    for script in lowered.scripts.values():
        yield from script.programs


def parts(program: Program, wanted: Callable[[Command], bool], alone: bool = False
          ) -> Iterator[tuple[bool, Program]]:
    """A program as several, of commands that are all wanted, or none; or each wanted one `alone`,
    and a FENCE not at all."""
    for chosen, group in itertools.groupby(program, wanted):
        commands = list(group)
        singles = [[command] for command in commands if command.engine]
        for some in singles if alone and chosen else [commands]:
            yield chosen, Program(program.config, some, program.backend)


def layer_of(command: Command) -> str:
    """Of "PASS layer"."""
    return command.label.partition(" ")[2]
