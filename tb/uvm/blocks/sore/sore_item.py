# SPDX-License-Identifier: Apache-2.0
"""A vector for the sparse online reduction engine."""

from __future__ import annotations

import numpy as np
from pyuvm import uvm_sequence_item

WIDTH = 16


class SoreItem(uvm_sequence_item):
    """`vector` of 16 FP16 patterns in direction `bp`, under N:M; `last` of its direction in the
    tile."""

    def __init__(self, n: int, m: int, vector: np.ndarray, bp: bool, last: bool) -> None:
        super().__init__("vector")
        self.n, self.m, self.vector, self.bp, self.last = n, m, vector, bp, last

    def __str__(self) -> str:
        values = " ".join(f"{value:04x}" for value in self.vector)
        return f"{self.n}:{self.m} {'BP' if self.bp else 'FF'} {values}"
