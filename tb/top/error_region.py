# SPDX-License-Identifier: Apache-2.0
"""Where in memory a program meets an error."""

from __future__ import annotations

import numpy as np

from sat_golden.defs import DESC_BYTES, TENSOR_ALIGN
from sat_golden.memory import ErrorRegion
from sat_golden.tensors import tensors_of
from tb.top.random_program import Program


def draw_region(rng: np.random.Generator, program: Program, first: int = 0) -> ErrorRegion:
    """An error in a descriptor or a tensor of the commands from `first` on: a few lines, or some
    rows' width."""
    places = [(program.address + DESC_BYTES * index, DESC_BYTES)
              for index in range(first, program.length)]
    for desc in program.descriptors[first:]:
        places += [(tensor.address, tensor.end - tensor.address) for tensor in tensors_of(desc)] * 2
    start, size = places[rng.integers(len(places))]
    lines = -(-size // TENSOR_ALIGN)
    line = int(rng.choice([0, lines - 1, rng.integers(lines)]))
    count = int(rng.choice([1, 2, rng.integers(1, lines - line + 1)]))
    start += TENSOR_ALIGN * line
    ways = int(rng.integers(1, 4))
    end = start + TENSOR_ALIGN * min(count, lines - line)
    decerr = bool(rng.integers(2))
    if rng.random() < 0.2:
        return ErrorRegion(start, end, on_write=False, rlast=True)
    return ErrorRegion(start, end, decerr, bool(ways & 1), bool(ways & 2))
