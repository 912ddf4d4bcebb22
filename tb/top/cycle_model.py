# SPDX-License-Identifier: Apache-2.0
"""The cycle model (sat.plan.model) beside the RTL: every counter of random programs.

    python -m tb.top.cycle_model [--configs 2x2 8x8] [--programs 1000] [--out build/model.json]

For each configuration it prints, and writes, how many programs and commands ran at each of three
latencies, how far the model's cycles were off at most and on average, in percent, how many counters
differed, and cycles per second of the model. A difference prints the program's kind and seed, and
is the exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from sat import terminal
from sat.config import SatConfig
from sat.plan import model
from tb.common.runner import DEFAULT_SEED
from tb.top import random_program as programs
from tb.top.board import Board, board
from tb.top.expect import Expected

CONFIGS = ("2x2", "4x4", "8x8", "16x16")
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

    def row(self, config: str) -> dict:
        return {"config": config, "programs": len(self.errors), "commands": self.commands,
                "worst_percent": max(self.errors), "differences": len(self.differences),
                "mean_percent": sum(self.errors) / len(self.errors),
                "cycles_per_second": round(self.cycles / self.seconds)}


def drawn(count: int, seed: int) -> Iterator[tuple[str, int]]:
    """Kinds of random programs in turn, with consecutive seeds."""
    kinds = ("matmul", "conv", "feature", "mixed", "queues")
    for number in range(count):
        yield kinds[number % len(kinds)], seed + number // len(kinds)


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


def run(config: str, count: int, seed: int) -> Tally:
    core, tally = board(config), Tally()
    for number, (kind, one) in enumerate(track(
            list(drawn(count, seed)), config, console=CONSOLE, disable=not CONSOLE.is_terminal)):
        compare(core, kind, one, LATENCIES[number % len(LATENCIES)], tally)
    return tally


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tb.top.cycle_model", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", nargs="+", default=CONFIGS)
    parser.add_argument("--programs", type=int, default=1000, help="of each configuration")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", DEFAULT_SEED)))
    parser.add_argument("--out", type=Path, default=Path("build/model.json"))
    options = parser.parse_args(argv)
    rows, table = [], Table("array", "programs", "commands", "worst %", "mean %", "counters off",
                            "M cycles/s")
    wrong = False
    for config in options.configs:
        SatConfig.from_name(config)
        tally = run(config, options.programs, options.seed)
        row = tally.row(config)
        rows.append(row)
        table.add_row(config, f"{row['programs']:,}", f"{row['commands']:,}",
                      f"{row['worst_percent']:.3f}", f"{row['mean_percent']:.3f}",
                      str(row["differences"]), f"{row['cycles_per_second'] / 1e6:.1f}")
        for line in tally.differences:
            print(f"{config}: {line}")
        wrong |= bool(tally.differences)
    terminal.print_table(CONSOLE, table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"seed": options.seed, "rows": rows}, indent=1) + "\n",
                           encoding="utf-8")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
