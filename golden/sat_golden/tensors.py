# SPDX-License-Identifier: Apache-2.0
"""The tensors in memory that a descriptor names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .descriptor import Descriptor
from .operands import OPERANDS
from .windows import Windows


@dataclass(frozen=True)
class Tensor:
    """A tensor in memory: where it lies, its shape, and the bits of an element (16, 32 or 4).

    A `vector` has one row, and its stride must be zero. Of a map that is `seen_by` windows, the
    rows (pixels) that none of them sees are not read; of weights that are `phased_by` windows, the
    rows of kernel positions that belong to none of their phases.
    """

    slot: int
    address: int
    stride: int
    rows: int
    cols: int
    bits: int
    read: bool = False
    written: bool = False
    vector: bool = False
    seen_by: Windows | None = None
    phased_by: Windows | None = None

    @property
    def row_bytes(self) -> int:
        return (self.cols * self.bits + 7) // 8

    @property
    def end(self) -> int:
        """First byte past the tensor."""
        return self.address + (self.rows - 1) * self.stride + self.row_bytes

    def rows_used(self) -> np.ndarray:
        """The rows that the command reads or writes, in ascending order."""
        if self.seen_by:
            return self.seen_by.seen()
        rows = np.arange(self.rows)
        if self.phased_by:
            return rows.reshape(self.phased_by.positions, -1)[self.phased_by.phased()].reshape(-1)
        return rows

    def row_ranges(self) -> list[tuple[int, int]]:
        """The byte ranges [start, end) of its rows; one range where rows touch."""
        if self.stride == self.row_bytes or self.rows == 1:
            return [(self.address, self.end)]
        starts = range(self.address, self.address + self.rows * self.stride, self.stride)
        return [(start, start + self.row_bytes) for start in starts]


def tensors_of(desc: Descriptor) -> list[Tensor]:
    """The tensors a command of known opcode, legal N:M and legal sizes uses, in slot order."""
    windows = desc.windows if desc.has_windows else None
    phases = windows if windows and windows.upsample_log2 else None
    found = []
    for operand in OPERANDS[desc.opcode](desc):
        slot = desc.slot(operand.slot)
        found.append(Tensor(operand.slot, slot.address, slot.stride, *operand.shape,
                            operand.bits, operand.read, operand.written, operand.vector,
                            windows if operand.seen else None,
                            phases if operand.phased else None))
    return found
