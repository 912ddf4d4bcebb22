# SPDX-License-Identifier: Apache-2.0
"""Programs with work of the host between them, run as a whole or command by command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..backend import Result
from ..core import Core
from ..memory import Tensor
from ..program import Program


@dataclass
class StepResult:
    """One training step. `programs` holds the device's result of each program. A step is skipped
    if an activation or a gradient overflowed: no weight has changed then."""

    loss: float
    correct: int
    skipped: bool
    programs: dict[str, Result] = field(default_factory=dict)

    @property
    def cycles(self) -> int:
        return sum(result.cycles for result in self.programs.values())


@dataclass
class Measure:
    """What the commands of a label took, each alone."""

    cycles: int = 0
    macs: int = 0


@dataclass(frozen=True)
class HostWork:
    """An action of the host, and the tensors that it reads and writes, as far as they are told."""

    action: Callable[[], None]
    reads: Sequence[Tensor] = ()
    writes: Sequence[Tensor] = ()


class Script:
    """A sequence of programs and host actions, made once and run often.

    Commands are added to `script.program`; `host(action)` ends it. A label is "PASS layer".
    """

    def __init__(self, core: Core, steps: Iterable[Program | HostWork] = ()):
        self.core = core
        self.steps = list(steps)

    @property
    def program(self) -> Program:
        last = self.steps[-1] if self.steps else None
        if not isinstance(last, Program):
            last = self.core.program()
            self.steps.append(last)
        return last

    def host(self, action: Callable[[], None], reads: Sequence[Tensor] = (),
             writes: Sequence[Tensor] = ()) -> None:
        self.steps.append(HostWork(action, reads, writes))

    @property
    def programs(self) -> list[Program]:
        return [step for step in self.steps if isinstance(step, Program)]

    def run(self, name: str, results: dict[str, Result],
            measures: dict[str, Measure] | None = None) -> bool:
        """Run all; true if something overflowed, where it stops.

        The results are filed as "name number". With `measures` each command is a program of its
        own, and what it took is added there; a FENCE is left out.
        """
        for step in self.steps:
            if isinstance(step, HostWork):
                step.action()
                continue
            parts = [step] if measures is None else _singles(step)
            for part in parts:
                result = self.core.run(part)
                results[f"{name} {len(results)}"] = result
                if measures is not None:
                    measure = measures.setdefault(part.commands[0].label, Measure())
                    measure.cycles += result.cycles
                    measure.macs += part.macs
                if result.overflow:
                    return True
        return False


def pipeline(before: Sequence[Callable[[], None]], array: Sequence[Callable[[], None]],
             after: Sequence[Callable[[], None]]) -> None:
    """Add commands that work on parts of a batch, so that the vector engine works on one part while
    the array works on another: `before` makes the maps that `array` reads, `after` reads those that
    it makes. Part i of `before` comes with part i-1 of `array` and part i-2 of `after`; the array's
    command first, as it waits for the vector engine's command that was added last."""
    for time in range(max(len(before), len(array) + 1, len(after) + 2)):
        for stage, delay in ((array, 1), (after, 2), (before, 0)):
            if 0 <= time - delay < len(stage):
                stage[time - delay]()


def _singles(program: Program) -> list[Program]:
    """A program per command that does something."""
    return [Program(program.config, [command], program.backend)
            for command in program if command.engine]
