# SPDX-License-Identifier: Apache-2.0
"""Random operand streams for a systolic array, and the sums they make (formats: spec/buses.yaml).

The streams are those of row 0 and column 0; row r and column c get theirs r and c cycles later, by
which every PE sees its two streams in the same relative time. Of a folded array's columns, those of
the eastern half begin with column 0 again, and have operand A of their own. RAM addresses are drawn
freely: the order in which the feeder uses them is its own affair.
"""

from __future__ import annotations

import numpy as np

from sat_golden import vector
from sat_golden.stimulus import mixed_fp16
from tb.common.buses import NORTH, WEST

RAM_WORDS = 32


class ArrayStreams:
    """`west` and `center` [cycles][rows], `north` [cycles][cols]; `tiles` of accumulators
    [rows][T][cols].

    `p_write` is the chance of a write to the PE RAMs in a cycle, `p_valid` that of a weight being
    valid (always in a sum's first and last slot), `most` the most slots between tiles' last ones
    beyond the least number.
    """

    def __init__(self, rng: np.random.Generator, rows: int, cols: int, t: int, count: int, *,
                 special: float, p_write: float = 0.9, p_valid: float = 0.8, most: int = 3,
                 folded: bool = False):
        self.rng, self.rows, self.cols, self.t = rng, rows, cols, t
        self.special, self.p_write, self.p_valid = special, p_write, p_valid
        self.folded = folded
        self.west: list[np.ndarray] = []
        self.center: list[np.ndarray] = []
        self.north: list[np.ndarray] = []
        self.tiles: list[np.ndarray] = []
        # PE RAMs, equal along a row or its halves; what was written two cycles ago can be read.
        self.ram = np.zeros((2, RAM_WORDS, rows), np.uint16)
        self.half = np.arange(cols) // max(cols // 2, 1) if folded else np.zeros(cols, int)
        for address in range(RAM_WORDS):
            self._cycle(address)
        self._cycle()
        for _ in range(count):
            self._tile(rows + 1 + int(rng.integers(0, most + 1)))

    def _tile(self, slots: int) -> None:
        """`slots` slots: bubbles, then at least one slot that makes a tile's sums."""
        depth = int(self.rng.integers(1, slots + 1))
        acc = np.zeros((self.t, self.rows, self.cols), np.uint32)
        for slot in range(slots):
            step = slot - (slots - depth)
            for place in range(self.t):
                valid = step in (0, depth - 1) or (step > 0 and self.rng.random() < self.p_valid)
                flags = NORTH.pack(valid=int(valid), first=int(valid and step == 0),
                                   last=int(valid and step == depth - 1))
                a, w = self._cycle(flags=flags)
                if valid:
                    acc[place] = vector.pe_mac(acc[place], a.T, w)
        self.tiles.append(vector.fp32_to_acc(acc).transpose(1, 0, 2))

    def _cycle(self, address: int | None = None, flags: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """One cycle of both streams; the A values [cols][rows] and weights [cols] it multiplies."""
        rng = self.rng
        read = rng.integers(0, RAM_WORDS, self.cols)
        weights = mixed_fp16(rng, self.cols, self.special)
        a = self.ram[self.half, read]
        self.north.append(flags | NORTH.pack(addr=read, wide=vector.fp16_widen(weights)))
        write = address is not None or rng.random() < self.p_write
        address = int(rng.integers(0, RAM_WORDS)) if address is None else address
        values = mixed_fp16(rng, (2, self.rows), self.special)
        words = [WEST.pack(write=int(write), addr=address, wide=vector.fp16_widen(half))
                 for half in values]
        self.west.append(words[0])
        self.center.append(words[1] if self.folded else np.zeros_like(words[1]))
        if write:
            self.ram[:, address] = values
        return a, weights
