# SPDX-License-Identifier: Apache-2.0
"""An echo canceller: block PNLMS (Duttweiler, 2000) in commands of the core.

    python -m sat_examples.echo [--config 8x8] [--blocks 512] [--seed 1]

It identifies a sparse echo path of 512 taps from a far-end signal and its echo in noise. Every bit
of the RTL's first blocks is compared with the golden model, and the errors of all of the latter's
with numpy's.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from rich.console import Console
from rich.table import Table

from sat import terminal
from sat.backends import CheckedBackend, GoldenBackend, SimBackend
from sat.config import SatConfig
from sat.core import Core
from sat.memory import FP16, FP32
from sat.nn import DENSE
from sat.options import positive

IN_RTL = 4  # blocks
DELAY, ACTIVE = 90, 40  # taps of the echo path before its first, and those that are not zero
NOISE = 1e-3  # power, of an echo of 1
PARTS = 8  # of the run, whose ends are shown


@dataclass(frozen=True)
class Pnlms:
    """Scalars of the algorithm. A gain is at least `least` times the largest weight (or times
    `start`); `noise` keeps the power that the step is divided by from zero."""

    taps: int = 512
    block: int = 16
    step: float = 0.5
    least: float = 0.01
    start: float = 0.01
    noise: float = 0.01

    def rates(self, weights: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Step of each tap [taps], by the weights and the sums of x^2 over the block's rows: in
        proportion to |w|, and divided by the mean power of x that the gains weigh."""
        size = np.abs(weights)
        gains = np.maximum(self.least * max(self.start, size.max()), size)
        gains /= gains.mean()
        power = gains @ squares / self.block
        return self.step * gains / (power + self.noise * self.taps)


def rows_of(signal: np.ndarray, taps: int) -> np.ndarray:
    """The last `taps` samples at each time, the newest first: [samples - taps + 1][taps]."""
    return sliding_window_view(signal, taps)[:, ::-1]


def reference(rule: Pnlms, x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x [blocks][block][taps], d [blocks][block] -> errors as d, and weights after each block
    [blocks][taps], in float64."""
    w, errors, weights = np.zeros(rule.taps), [], []
    for rows, wanted in zip(x.astype(np.float64), d.astype(np.float64)):
        error = wanted - rows @ w
        w = w + rule.rates(w, (rows**2).sum(axis=0)) * (rows.T @ error)
        errors.append(error)
        weights.append(w)
    return np.array(errors), np.array(weights)


class Canceller:
    """The same on a core: weights FP32, kept with their sign changed, so that the errors are the
    sums of a product and the wanted values; signals and errors FP16. The gains and the one division
    are the host's."""

    def __init__(self, core: Core, rule: Pnlms):
        self.core, self.rule, self.cycles = core, rule, 0
        row, column = (1, rule.taps), (rule.block, 1)
        self.x, self.scaled = (core.tensor(name, (rule.block, rule.taps), FP16)
                               for name in ("x", "scaled"))
        self.d, self.error = (core.tensor(name, column, FP16) for name in ("d", "error"))
        self.w, self.zero = (core.from_array(name, np.zeros(row, np.float32))
                             for name in ("w", "zero"))
        self.total, self.squares, self.rates = (core.tensor(name, row, FP32)
                                                for name in ("total", "squares", "rates"))
        self.taps = core.compressed("taps", row[::-1], *DENSE)
        self.filter, self.adapt = core.program(), core.program()
        self.filter.matmul(self.x, self.taps, self.error, residual=self.d, label="filter")
        self.filter.stats(self.x, self.total, self.squares, label="powers")
        self.adapt.affine(self.x, self.scaled, self.rates, self.zero, label="gains")
        self.adapt.matmul(self.error, self.scaled, self.w, a_trans=True, residual=self.w,
                          label="adapt")
        prune = core.program()
        for program in (self.adapt, prune):
            program.prune(self.w, bp=self.taps, label="copy")
        core.run(prune)

    @property
    def weights(self) -> np.ndarray:
        """[taps]"""
        return -self.w.read()[0].astype(np.float64)

    def block(self, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """rows [block][taps], wanted [block] -> errors, before the weights adapt."""
        self.x.write(rows.astype(np.float16))
        self.d.write(wanted.astype(np.float16)[:, None])
        self.cycles = self.core.run(self.filter).cycles
        rates = self.rule.rates(self.weights, self.squares.read()[0].astype(np.float64))
        self.rates.write(-rates.astype(np.float32)[None, :])
        self.cycles += self.core.run(self.adapt).cycles
        return self.error.read()[:, 0].astype(np.float64)


def scene(rule: Pnlms, blocks: int, rng: np.random.Generator
          ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """White far end, and its echo in noise, in FP16: x [blocks][block][taps], d [blocks][block],
    and the path [taps], of energy one: ACTIVE taps that fade, after DELAY."""
    path = np.zeros(rule.taps)
    path[DELAY : DELAY + ACTIVE] = rng.standard_normal(ACTIVE) * np.exp(-np.arange(ACTIVE) / 8)
    path /= np.linalg.norm(path)
    count = blocks * rule.block
    far = rng.standard_normal(count + rule.taps - 1).astype(np.float16)
    x = rows_of(far, rule.taps)
    d = x.astype(np.float64) @ path + np.sqrt(NOISE) * rng.standard_normal(count)
    return (x.reshape(blocks, rule.block, rule.taps),
            d.astype(np.float16).reshape(blocks, rule.block), path)


def misalignment(weights: np.ndarray, path: np.ndarray) -> float:
    """Error of the weights by the norm of the path, in dB."""
    return 20 * np.log10(np.linalg.norm(weights - path) / np.linalg.norm(path))


def rtl_cycles(config: SatConfig, rule: Pnlms, x: np.ndarray, d: np.ndarray) -> tuple[int, int]:
    """Cycles of the last of some blocks, and how many bits of all differ from golden's."""
    with CheckedBackend(SimBackend(config), GoldenBackend(config)) as backend:
        canceller = Canceller(Core(backend), rule)
        for rows, wanted in zip(x, d):
            canceller.block(rows, wanted)
        return canceller.cycles, backend.differing_bits


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="sat_examples.echo", description="An echo canceller by block PNLMS.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--config", choices=SatConfig.names(), default="8x8", help="array")
    parser.add_argument("--blocks", type=positive, default=512, help="of 16 samples")
    parser.add_argument("--seed", type=int, default=1, help="of path and signals")
    args = parser.parse_args(argv)
    config, rule, console = SatConfig.from_name(args.config), Pnlms(), Console()
    x, d, path = scene(rule, args.blocks, np.random.default_rng(args.seed))
    _, wanted = reference(rule, x, d)
    table = Table("sample", "numpy", "core", title=f"misalignment, dB (seed {args.seed})")
    with GoldenBackend(config) as backend:
        canceller = Canceller(Core(backend), rule)
        for number, (rows, value) in enumerate(zip(x, d), 1):
            canceller.block(rows, value)
            if number % max(1, args.blocks // PARTS) == 0:
                both = wanted[number - 1], canceller.weights
                table.add_row(str(number * rule.block),
                              *(f"{misalignment(weights, path):.1f}" for weights in both))
    terminal.print_table(console, table)
    cycles, differing = rtl_cycles(config, rule, x[:IN_RTL], d[:IN_RTL])
    macs = 2 * rule.block * rule.taps / (config.rows * config.cols * cycles)
    console.print(f"{args.config}: {cycles:,} cycles a block of {rule.block} samples, "
                  f"{macs:.1%} of the array used, {differing} bits differ from the golden model",
                  highlight=False)
    return 1 if differing else 0


if __name__ == "__main__":
    terminal.run(main)
