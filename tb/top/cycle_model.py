# SPDX-License-Identifier: Apache-2.0
"""The cycle model (sat.plan.model) beside the RTL: every counter of random programs.

    python -m tb.top.cycle_model [--configs 2x2 8x8] [--commands 1000] [--out build/model.json]

For each configuration it prints, and writes as soon as it has them, how many programs and commands
ran, at three latencies in turn, how far the model's cycles were off at most and on average, in
percent of a program, in how many programs a counter differed, and cycles per second of the model. A
difference prints the program's kind and seed, and is the exit code.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sat import terminal
from sat.config import SatConfig
from sat.files import write_text
from sat.options import positive
from sat.plan import model
from tb.common.runner import DEFAULT_SEED
from tb.top import random_program as programs
from tb.top.board import MAX_CYCLES, Board
from tb.top.expect import Expected

# Commands that are run at least.
COMMANDS = {"2x2": 1000, "4x4": 1000, "8x8": 1000, "16x16": 1000, "32x32": 100}
LATENCIES = (1, 40, 150)
CONSOLE = Console()


@dataclass
class Tally:
    """What came of a configuration. `errors`: of each program's cycles, in percent."""

    commands: int = 0
    errors: list[float] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    cycles: int = 0
    seconds: float = 0.0

    def row(self) -> dict:
        """As build/model.json has it. `differences` are programs with a counter that differs."""
        return {"programs": len(self.errors), "commands": self.commands,
                "worst_percent": max(self.errors),
                "mean_percent": sum(self.errors) / len(self.errors),
                "differences": len(self.differences),
                "cycles_per_second_of_the_model": round(self.cycles / self.seconds)}


def drawn(seed: int) -> Iterator[tuple[str, int, int]]:
    """Kinds of random programs and latencies in turn, with consecutive seeds."""
    kinds = ("matmul", "conv", "feature", "mixed", "queues")
    for number in itertools.count():
        yield (kinds[number % len(kinds)], seed + number // len(kinds),
               LATENCIES[number % len(LATENCIES)])


def compare(core: Board, kind: str, seed: int, latency: int, tally: Tally) -> None:
    """One program on the RTL, after a reset, and on the model: what ran before shows in the
    arbiters, and in whether the array is folded."""
    program = getattr(programs, f"{kind}_program")(seed)
    skipped = Expected(program).result.skipped
    core.clear_errors()
    core.reset()
    core.step(model.start_cycles(core.config))
    core.place(program.base, program.tags)
    core.write_memory(program.base, program.image)
    core.set_latency(latency, latency)
    core.set_pauses(0.0)
    core.run_to_end(program)
    core.clear()
    counters = core.read_counters()
    begin = time.process_time()
    made = model.run(core.config, program.descriptors, program.address,
                     model.Memory(latency, latency), skipped)
    tally.seconds += time.process_time() - begin
    counted(tally, counters, made, len(program.descriptors),
            f"{kind} program, seed {seed}, latency {latency}")


def counted(tally: Tally, counters: dict[str, int], made: model.Run, commands: int, what: str
            ) -> None:
    """Counters of the RTL beside those of the model."""
    tally.cycles += made.cycles
    tally.commands += commands
    tally.errors.append(100 * abs(made.cycles / counters["CYCLES"] - 1))
    wrong = {name: (counters[name], value) for name, value in made.counters.items()
             if counters[name] != value}
    if wrong:
        tally.differences.append(f"{what}: " + ", ".join(
            f"{name} {rtl} in RTL, {ours} in the model" for name, (rtl, ours) in wrong.items()))


def run(core: Board, count: int, seed: int, title: str = "") -> Tally:
    """Random programs until `count` commands have run, with a bar of that title on a terminal."""
    tally = Tally()
    with Progress(console=CONSOLE, disable=not CONSOLE.is_terminal) as bar:
        task = bar.add_task(title, total=count)
        some = drawn(seed)
        while tally.commands < count:
            compare(core, *next(some), tally)
            bar.update(task, completed=tally.commands)
    return tally


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tb.top.cycle_model", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", nargs="+", default=list(COMMANDS), metavar="NAME",
                        choices=SatConfig.names(), help=f"{', '.join(COMMANDS)} by default")
    parser.add_argument("--commands", type=positive,
                        help="that each runs at least; by default 1000, on 32x32 100")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", DEFAULT_SEED)))
    parser.add_argument("--out", type=Path, default=Path("build/model.json"))
    options = parser.parse_args(argv)
    rows: dict[str, dict] = {}
    table = Table("array", "programs", "commands", "worst %", "mean %", "differ", "M cycles/s")
    CONSOLE.print(f"seed {options.seed}", highlight=False)
    wrong = False
    for config in options.configs:
        # Without assertions, which the tests have: the simulations of demos and benchmark.
        with Board(SatConfig.from_name(config), programs.BASE, programs.SIZE, MAX_CYCLES) as core:
            tally = run(core, options.commands or COMMANDS.get(config, 1000), options.seed, config)
        row = rows[config] = {**tally.row(), "seed": options.seed, "latencies": LATENCIES}
        table.add_row(config, f"{row['programs']:,}", f"{row['commands']:,}",
                      f"{row['worst_percent']:.3f}", f"{row['mean_percent']:.3f}",
                      str(row["differences"]), f"{row['cycles_per_second_of_the_model'] / 1e6:.1f}")
        for line in tally.differences:
            print(f"{config}: {line}")
        wrong |= bool(tally.differences)
        write_text(options.out, json.dumps(rows, indent=1) + "\n")
    terminal.print_table(CONSOLE, table)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
