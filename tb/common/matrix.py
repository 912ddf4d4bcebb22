# SPDX-License-Identifier: Apache-2.0
"""A row major tensor of random bits, alone in a memory with slack in its stride."""

from __future__ import annotations

import numpy as np

from sat_golden import aligned
from tb.common.beats import Beats

DENSE_BYTES = 1 << 22


class Matrix:
    """`elements` [rows][cols] of `bits` bits each; row r begins at address `line(r)`. Between rows
    lie up to `slack` lines of 64 bytes: random too, or zero (and no memory), if there are many."""

    def __init__(self, rng: np.random.Generator, rows: int, cols: int, bits: int, slack: int = 2):
        row_bytes = -(-cols * bits // 8)
        self.rows, self.cols, self.bits = rows, cols, bits
        self.stride = aligned(row_bytes) + 64 * int(rng.integers(0, slack + 1))
        self.base = 64 * int(rng.integers(1, 1 << 33))
        if rows * self.stride <= DENSE_BYTES:
            data = rng.integers(0, 256, rows * self.stride, np.uint8)
        else:
            data = np.zeros(rows * self.stride, np.uint8)
            places = data.reshape(rows, self.stride)[:, : aligned(row_bytes)]
            places[:] = rng.integers(0, 256, places.shape, np.uint8)
        lines = [(self.line(row), self.line(row) + aligned(row_bytes)) for row in range(rows)]
        self.memory = Beats(self.base, data, lines)
        used = data.reshape(rows, self.stride)[:, :row_bytes]
        if bits == 4:
            nibbles = np.stack([used & 15, used >> 4], axis=-1).reshape(rows, -1)
            self.elements = nibbles[:, :cols]
        else:
            self.elements = np.ascontiguousarray(used).view(f"<u{bits // 8}")

    def line(self, row: int) -> int:
        return self.base + row * self.stride

    def inputs(self) -> dict[str, int]:
        return {"base_i": self.base, "stride_i": self.stride}


def set_inputs(dut, inputs: dict[str, int]) -> None:
    """Drives the named inputs."""
    for name, value in inputs.items():
        getattr(dut, name).value = int(value)
