# SPDX-License-Identifier: Apache-2.0
"""Random windows over feature maps: those of layers, of their gradients, and any a descriptor can
say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sat_golden import Windows
from sat_golden.defs import POOL_POSITIONS_MAX
from sat_golden.descriptor import field_range

KERNELS = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (1, 3), (3, 1), (2, 5), (5, 2),
           (7, 1), (1, 7), (3, 4), (15, 1), (1, 15)]
POOL_KERNELS = [kernel for kernel in KERNELS if kernel[0] * kernel[1] <= POOL_POSITIONS_MAX]
KINDS = ("sliding", "transposed", "any")
FAR = 0.1  # share of windows whose padding is any that the field holds
TRIES = 1000


class Limits(NamedTuple):
    """What bounds the time and the room that a command takes."""

    rows: int  # pixels; windows
    taps: int  # windows times positions
    matrix: int  # positions times channels
    channels: int
    macs: int

    def allow(self, windows: Windows, channels: int, cols: int) -> bool:
        return (max(windows.pixels, windows.count) <= self.rows
                and windows.count * windows.positions <= self.taps
                and windows.positions * channels <= self.matrix
                and windows.count * windows.positions * channels * cols <= self.macs)


def limits_of(side: int) -> Limits:
    """For commands about as large as products of matrices with such sides."""
    return Limits(3 * side // 2, side**2, 3 * side, min(side, 40), side**3)


def draw_windows(rng: np.random.Generator, kind: str, kernel: tuple[int, int], step_log2: int,
                 dilation_log2: int, grid: tuple[int, int, int]) -> Windows:
    """Windows over a map of `grid` = (images, height, width).

    sliding     of a layer, with any padding that the kernel reaches over, and some more
    transposed  of a layer's gradient: the map is the layer's result
    any         of which many may lie outside; step and dilation are drawn too
    """
    if kind == "any":
        outs, (*logs, up) = rng.integers(1, 11, 2), rng.integers(0, 4, 3)
        least, most = field_range("PAD_TOP") if rng.random() < FAR else (-8, 15)
        pads = rng.integers(least, most + 1, 2)
        return Windows(*grid, *integers(outs), *kernel, *integers(logs), int(up), *integers(pads))
    reach = [side - 1 << dilation_log2 for side in kernel]
    beyond = 4 if rng.random() < 0.2 else 0
    pads = [int(rng.integers(0, most + 1 + beyond)) for most in reach]
    if kind == "sliding":
        outs = [max(1, (size + 2 * pad - span - 1 >> step_log2) + 1)
                for size, pad, span in zip(grid[1:], pads, reach)]
        return Windows(*grid, *outs, *kernel, step_log2, dilation_log2, 0, *pads)
    sizes = [max(1, (out - 1 << step_log2) + span + 1 - 2 * pad + int(rng.integers(1 << step_log2)))
             for out, pad, span in zip(grid[1:], pads, reach)]
    return Windows(grid[0], *sizes, *grid[1:], *kernel, step_log2, dilation_log2, 0,
                   *pads).transposed()


def integers(values) -> list[int]:
    return [int(value) for value in values]


def draw_grid(rng: np.random.Generator) -> tuple[int, int, int]:
    """A few small images."""
    images, height, width = integers((rng.integers(1, 5), *rng.integers(1, 13, 2)))
    return images, height, width


def factor(rng: np.random.Generator, rows: int) -> tuple[int, int, int]:
    """A grid of as many pixels as a matrix has rows."""
    def divisor(number: int) -> int:
        return int(rng.choice([d for d in range(1, number + 1) if number % d == 0]))

    images = divisor(rows)
    height = divisor(rows // images)
    return images, height, rows // images // height
