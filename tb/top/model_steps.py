# SPDX-License-Identifier: Apache-2.0
"""Whole training steps at 2:8 on the RTL and on the cycle model: every counter of each program.

    python -m tb.top.model_steps [--config 8x8]

The RTL is reset before each program, as the model begins there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from sat import terminal
from sat.backend import Result
from sat.config import SatConfig
from sat.core import Core
from sat.nn import BlockShape, LayerSpec, Mlp, ResNet, StepResult, TransformerBlock
from sat.nn.loss import mean_squared
from sat.plan import model
from sat.program import Program
from sat.sim.library import ASSERTIONS
from tb.common.require import require
from tb.common.runner import DEFAULT_SEED
from tb.top.board import MAX_CYCLES, Board
from tb.top.cycle_model import CONSOLE, Tally, counted

NM = (2, 8)
MEMORY = 1 << 26  # bytes


@dataclass(frozen=True)
class Size:
    """Of the steps: rows of the MLP's layers and its batch; images of 8x8 pixels, and channels;
    sequences of tokens, their width and heads."""

    width: int
    batch: int
    images: int
    channels: tuple[int, ...]
    block: BlockShape


SMALL = Size(32, 16, 2, (8, 16), BlockShape(1, 8, 64, 2, 32))
WHOLE = Size(256, 256, 64, (16, 32, 64), BlockShape(4, 64, 128, 4, 512))


class ModelledBoard(Board):
    """Runs each program from a reset, and on the model."""

    def __init__(self, config: SatConfig):
        super().__init__(config, 0, MEMORY, MAX_CYCLES, ASSERTIONS)
        self.tally = Tally()

    def run(self, addr: int, program: Program) -> Result:
        self.reset()
        self.step(model.start_cycles(self.config))
        self.set_latency()
        result = super().run(addr, program)
        require(not result.overflow, "overflow: which UPDATEs are silent is not known here")
        begin = time.process_time()
        made = model.run(self.config, [command.descriptor for command in program], addr)
        self.tally.seconds += time.process_time() - begin
        counted(self.tally, result.counters, made, len(program),
                f"program of {len(program)} commands, {program.commands[0].label} first")
        return result


def mlp(core: Core, size: Size, rng: np.random.Generator) -> StepResult:
    net = Mlp(core, [LayerSpec(size.width, size.width, *NM), LayerSpec(size.width, 10)],
              size.batch, rng)
    return net.train_step(rng.standard_normal((size.batch, size.width)).astype(np.float16),
                          rng.integers(10, size=size.batch))


def residual(core: Core, size: Size, rng: np.random.Generator) -> StepResult:
    net = ResNet(core, size.images, 8, 8, 3, 10, NM, rng, size.channels)
    return net.train_step(rng.standard_normal((size.images, 8, 8, 3)).astype(np.float16),
                          rng.integers(10, size=size.images))


def transformer(core: Core, size: Size, rng: np.random.Generator) -> StepResult:
    block = TransformerBlock(core, size.block, rng, NM)
    x, target = rng.standard_normal((2, size.block.rows, size.block.dim))
    return block.train_step(x.astype(np.float16), mean_squared(target))


STEPS: dict[str, Callable[[Core, Size, np.random.Generator], StepResult]] = {
    "mlp": mlp, "residual": residual, "transformer": transformer}


def run(config: str, step: str, size: Size, seed: int) -> Tally:
    with ModelledBoard(SatConfig.from_name(config)) as board:
        result = STEPS[step](Core(board), size, np.random.default_rng(seed))
        require(not result.skipped, "%s: the step overflowed", step)
        return board.tally


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tb.top.model_steps", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="8x8")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    options = parser.parse_args(argv)
    table = Table("step", "programs", "commands", "cycles", "worst %", "counters off")
    wrong = False
    for step in STEPS:
        tally = run(options.config, step, WHOLE, options.seed)
        table.add_row(step, str(len(tally.errors)), str(tally.commands), f"{tally.cycles:,}",
                      f"{max(tally.errors):.3f}", str(len(tally.differences)))
        for line in tally.differences:
            print(f"{step}: {line}")
        wrong |= bool(tally.differences)
    terminal.print_table(CONSOLE, table)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
