# SPDX-License-Identifier: Apache-2.0
"""Programs with work of the host between them, run as a whole or command by command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..backend import Result
from ..core import MAX_COMMANDS, Core
from ..memory import Tensor
from ..program import Command, Program
from .optim import Sgd


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
    """An action of the host, and the tensors that it reads and writes, if they are `told`."""

    action: Callable[[], None]
    reads: Sequence[Tensor] = ()
    writes: Sequence[Tensor] = ()
    told: bool = True


Use = Callable[[Program, Sgd, bool], Command]  # with `True` it looks at the overflow latch
CHECK = HostWork(lambda: None)  # the host looks whether something has overflowed


class Script:
    """A sequence of programs and host actions, made once and run often.

    Commands are added to `script.program`; `host(action)` ends it. A label is "PASS layer".

    uses  what makes those commands anew that have scalars of SGD, by their place among `items`
    """

    def __init__(self, core: Core, steps: Iterable[Program | HostWork] = ()):
        self.core = core
        self.steps = list(steps)
        self.uses: dict[int, Callable[[Program, Sgd], Command]] = {}

    @property
    def program(self) -> Program:
        """The one that commands are added to: another one where the last is full."""
        last = self.steps[-1] if self.steps else None
        if not isinstance(last, Program) or len(last) >= MAX_COMMANDS:
            last = self.core.program()
            self.steps.append(last)
        return last

    def items(self) -> Iterator[Command | HostWork]:
        """Commands and actions in their order."""
        for step in self.steps:
            yield from [step] if isinstance(step, HostWork) else step

    def update(self, use: Use, skip: bool = False) -> None:
        """A command with scalars, which it gets when the work is scheduled (Schedule.scripts)."""
        self.uses[sum(1 for _ in self.items())] = lambda program, sgd: use(program, sgd, skip)
        use(self.program, Sgd(0.0, 0.0), skip)

    def check(self) -> None:
        """From here on only what runs if nothing has overflowed."""
        self.steps.append(CHECK)

    def host(self, action: Callable[[], None], reads: Sequence[Tensor] | None = None,
             writes: Sequence[Tensor] | None = None) -> None:
        """With what it reads and writes, of which one may be left out; without both it may be
        anything."""
        told = reads is not None or writes is not None
        self.steps.append(HostWork(action, reads or (), writes or (), told))

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


def _singles(program: Program) -> list[Program]:
    """A program per command that does something."""
    return [Program(program.config, [command], program.backend)
            for command in program if command.engine]
