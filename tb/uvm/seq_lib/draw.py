# SPDX-License-Identifier: Apache-2.0
"""Random programs for the virtual sequences, from the writers of tb/top."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tb.top import random_program
from tb.top.random_program import Program, ProgramWriter
from tb.uvm.seq_lib.numeric_writer import NUMERIC, NumericWriter

BASE = random_program.BASE
SIZE = 1 << 21

# Ways to add a command with sides up to a limit, by what they make; array engine first.
ADD: dict[str, Callable[[ProgramWriter, int], None]] = {
    "matmul": random_program.add_random_matmul,
    "conv": random_program.add_random_conv,
    "weights": random_program.add_random_weights,
    "feature": random_program.add_random_feature,
}
ARRAY, VECTOR = ("matmul", "conv"), ("weights", "feature")


def new_writer(rng: np.random.Generator, chained: float = 0.4) -> NumericWriter:
    return NumericWriter(rng, BASE, SIZE, chained)


def draw_program(rng: np.random.Generator, most: int = 40, limit: int = 40,
                 chained: float = 0.4) -> Program:
    """1..most commands of all kinds (a few more where a convolution brings its kernel); sides up to
    `limit`, smaller in long programs. `chained`: the chance that an operand is an earlier result.
    """
    count = int(rng.integers(1, most + 1))
    sides = max(4, int(limit / (1 + count / 6)))
    writer = new_writer(rng, chained)
    while len(writer.descriptors) < count:
        add_any(writer, sides)
    return writer.finish()


def add_any(writer: NumericWriter, limit: int) -> None:
    """A command of any kind and numeric class."""
    rng = writer.rng
    if rng.random() < 0.1:
        writer.fence(bool(rng.random() < 0.5))
        return
    writer.numeric = str(rng.choice(NUMERIC))
    ways = ARRAY if rng.random() < 0.5 else VECTOR
    ADD[str(rng.choice(ways))](writer, limit)
