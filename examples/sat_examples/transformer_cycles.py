# SPDX-License-Identifier: Apache-2.0
"""Cycles of a transformer block's training step, part by part, measured in RTL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from sat.backends import CheckedBackend, GoldenBackend, SimBackend
from sat.config import SatConfig
from sat.core import Core
from sat.nn import BlockShape, Measure, SparseWu, TransformerBlock, mean_squared

from .training import training_step

LAYER_PARTS = {"qkv": "projections", "out": "projections", "up": "MLP", "down": "MLP"}
MEMORY_BYTES = 32 << 20


@dataclass
class Measurement:
    """Cycles and multiplies of each part, command by command, and of a whole step (`step`)."""

    parts: dict[str, Measure]
    differing_bits: int = 0


def part_of(label: str) -> str:
    """What a command ("PASS layer") counts as."""
    name, layer = label.split()
    return name if name in ("WU", "UPDATE") else f"{LAYER_PARTS.get(layer, layer)} {name}"


def measure(config: SatConfig, shape: BlockShape, nm: tuple[int, int], seed: int,
            on_step: Callable[[], None], wu: SparseWu | None = None) -> Measurement:
    """Two steps in RTL, every bit compared with the golden model: the first command by command."""
    with CheckedBackend(SimBackend(config, memory_size=MEMORY_BYTES),
                        GoldenBackend(config, memory_size=MEMORY_BYTES)) as backend:
        rng = np.random.default_rng(seed)
        block = TransformerBlock(Core(backend), shape, rng, nm, wu=wu)
        x, target = rng.standard_normal((2, shape.rows, shape.dim))
        measures: dict[str, Measure] = {}
        for number, wanted in enumerate((measures, None), 1):
            with training_step(number):
                step = block.train_step(x.astype(np.float16), mean_squared(target), wanted)
            on_step()
        parts: dict[str, Measure] = {}
        for label, one in measures.items():
            part = parts.setdefault(part_of(label), Measure())
            part.cycles, part.macs = part.cycles + one.cycles, part.macs + one.macs
        parts["step"] = Measure(step.cycles, block.macs)
        return Measurement(parts, backend.differing_bits)


def cycle_table(config: SatConfig, name: str, dense: Measurement,
                sparse: Measurement) -> Table:
    """`name`: of the sparse step's N:M."""
    pes = config.rows * config.cols
    table = Table(title="Cycles of a training step of a transformer block")
    table.add_column("part")
    for header in ("dense", name, "speed-up", f"used at {name}"):
        table.add_column(header, justify="right")
    for part in sorted(dense.parts, key=lambda part: part == "step"):
        one, other = dense.parts[part], sparse.parts[part]
        if part == "step":
            table.add_section()
        used = f"{other.macs / (pes * other.cycles):.1%}" if other.macs else ""
        table.add_row("step, overlapped" if part == "step" else part, f"{one.cycles:,}",
                      f"{other.cycles:,}", f"{one.cycles / other.cycles:.2f}x", used)
    return table
