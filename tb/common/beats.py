# SPDX-License-Identifier: Apache-2.0
"""A memory image seen as beats, in which only some addresses may be touched."""

from __future__ import annotations

import numpy as np

from tb.common.require import require


class Beats:
    """`data` from `base` on; reads must lie in `readable`, a list of ranges (start, end)."""

    def __init__(self, base: int, data: np.ndarray, readable: list[tuple[int, int]] | None = None):
        self.base, self.data = base, data
        self.readable = readable

    def _offset(self, address: int, size: int) -> int:
        offset = address - self.base
        require(0 <= offset <= self.data.size - size, "%#x is outside the memory", address)
        return offset

    def fetch(self, address: int, size: int) -> int:
        """The `size` bytes at `address`, the first in the low bits."""
        if self.readable is not None:
            require(any(start <= address < end for start, end in self.readable),
                    "read of %#x, outside the tensor", address)
        offset = self._offset(address, size)
        return int.from_bytes(self.data[offset : offset + size].tobytes(), "little")

    def store(self, address: int, data: int, strobes: int) -> None:
        """The bytes of `data` that have a strobe."""
        size = strobes.bit_length()
        offset = self._offset(address, size)
        new = np.frombuffer((data & (1 << 8 * size) - 1).to_bytes(size, "little"), np.uint8)
        enabled = np.array([strobes >> k & 1 for k in range(size)], bool)
        self.data[offset : offset + size][enabled] = new[enabled]
