# SPDX-License-Identifier: Apache-2.0
"""Operand streams for the systolic array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyuvm import uvm_sequence_item


class ArrayItem(uvm_sequence_item):
    """`west` [cycles][rows] and `north` [cycles][cols] as row 0 and column 0 see them; the driver
    skews them. Fields: rtl/array/sat_uspe.v."""

    def __init__(self, west: list[np.ndarray], north: list[np.ndarray]) -> None:
        super().__init__("streams")
        self.west, self.north = west, north


@dataclass(frozen=True)
class ArrayBeat:
    """One cycle of both streams, without the skew: words per row and per column."""

    west: tuple[int, ...]
    north: tuple[int, ...]
