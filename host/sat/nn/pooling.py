# SPDX-License-Identifier: Apache-2.0
"""Pooling: averages and maxima over rectangles of a feature map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from sat_golden.arguments import integer
from sat_golden.windows import FIELD_MAX, SIDE_MAX, Windows

from ..core import Core
from ..memory import INDEX, FeatureMap, Memory, Stack, Tensor
from ..program import Program

FP16_FRACTION = 10  # bits
AVERAGE_MAX = 1 << 14  # pixels: the least of FP16's normal numbers is 2^-14
Sides = tuple[int, int]  # high, wide
Range = tuple[int, int]  # of lines or columns: the first, and the one behind the last


@dataclass(frozen=True)
class Patches:
    """Rectangles of each of `images` maps of `h` x `w` pixels, whose averages are wanted: one for
    each of `rows`, ranges of lines, and each of `cols`, ranges of columns, in this order. What lies
    outside the map counts as zeros.

    ValueError for a patch without a pixel of the map, or of more than AVERAGE_MAX.
    """

    images: int
    h: int
    w: int
    rows: tuple[Range, ...]
    cols: tuple[Range, ...]

    def __post_init__(self) -> None:
        for name, side, ranges in (("rows", self.h, self.rows), ("cols", self.w, self.cols)):
            if not ranges:
                raise ValueError(f"{name}: there is none")
            for first, end in ranges:
                if max(first, 0) >= min(end, side):
                    raise ValueError(f"{name}: {first}..{end - 1} has nothing of a side of {side}")
        high, wide = (max(end - first for first, end in ranges)
                      for ranges in (self.rows, self.cols))
        if high * wide > AVERAGE_MAX:
            raise ValueError(f"an average of {high}x{wide} pixels: at most {AVERAGE_MAX} (128x128) "
                             "have shares that FP16 can hold")

    @classmethod
    def sliding(cls, images: int, h: int, w: int, kernel: Sides, stride: Sides | None = None,
                pad: Sides = (0, 0), *, ceil: bool = False, count_pad: bool = True) -> Patches:
        """Those of torch's `avg_pool2d`; sizes are (high, wide). The stride is the kernel's sides
        without one. With `ceil` a last patch may reach past the padding; without `count_pad` the
        padding does not count. ValueError names what cannot be."""
        rows, cols = (_sliding(*sizes, ceil, count_pad)
                      for sizes in zip((h, w), kernel, stride or kernel, pad))
        return cls(images, h, w, rows, cols)

    @classmethod
    def adaptive(cls, images: int, h: int, w: int, out_h: int = 1, out_w: int = 1) -> Patches:
        """Those of torch's `adaptive_avg_pool2d`, out_h x out_w that cover the map evenly; without
        sizes one, the whole map."""
        rows, cols = (
            tuple((at * side // outs, -(-(at + 1) * side // outs))
                  for at in range(integer(name, outs, 1, SIDE_MAX)))
            for name, side, outs in (("out_h", h, out_h), ("out_w", w, out_w)))
        return cls(images, h, w, rows, cols)

    @classmethod
    def of(cls, windows: Windows) -> Patches:
        """What windows without dilation see."""
        if windows.dilation_log2 or windows.upsample_log2:
            raise ValueError("windows: those of an average have neighbours at their positions")
        rows, cols = (
            tuple((first, first + kernel) for first in
                  range(-pad, -pad + (outs << windows.step_log2), 1 << windows.step_log2))
            for outs, kernel, pad in ((windows.out_h, windows.kernel_h, windows.pad_top),
                                      (windows.out_w, windows.kernel_w, windows.pad_left)))
        return cls(windows.images, windows.map_h, windows.map_w, rows, cols)

    @property
    def windows(self) -> Windows | None:
        """The windows that see them, if a descriptor can hold such ones and their gradient's."""
        rows, cols = _even(self.rows), _even(self.cols)
        if rows is None or cols is None:
            return None
        steps = {rows.step, cols.step} - {0} or {1}
        if len(steps) > 1:
            return None
        return Windows(self.images, self.h, self.w, len(self.rows), len(self.cols), rows.length,
                       cols.length, max(steps).bit_length() - 1, 0, 0, rows.pad, cols.pad)

    def shares(self, rows: Range, lines: Range) -> np.ndarray:
        """float16 [rows*cols][lines*w]: what each pixel of these lines has in each average of these
        rows."""
        made = np.zeros((rows[1] - rows[0], len(self.cols), lines[1] - lines[0], self.w),
                        np.float16)
        for row, (top, bottom) in enumerate(self.rows[slice(*rows)]):
            for col, (left, right) in enumerate(self.cols):
                shares = equal_shares((bottom - top) * (right - left)).reshape(bottom - top, -1)
                y0, y1 = max(top, lines[0]), min(bottom, lines[1])
                x0, x1 = max(left, 0), min(right, self.w)
                if y0 < y1:
                    made[row, col, y0 - lines[0] : y1 - lines[0], x0:x1] = (
                        shares[y0 - top : y1 - top, x0 - left : x1 - left])
        return made.reshape(-1, made.shape[2] * self.w)

    def lines_of(self, row: int) -> Range:
        """The lines of the map that the patches of a row have pixels of."""
        first, end = self.rows[row]
        return max(first, 0), min(end, self.h)

    def rows_of(self, line: int) -> Range:
        """The rows from the first to the last with pixels of a line; the first row, which has none
        of them, where there is no such one."""
        rows = [row for row in range(len(self.rows)) if line in range(*self.lines_of(row))]
        return (rows[0], rows[-1] + 1) if rows else (0, 1)


def _sliding(side: int, kernel: int, stride: int, pad: int, ceil: bool, count_pad: bool
             ) -> tuple[Range, ...]:
    """Along one axis."""
    integer("kernel", kernel, 1, SIDE_MAX)
    integer("stride", stride, 1, SIDE_MAX)
    integer("pad", pad, 0, kernel - 1)
    left = side + 2 * pad - kernel
    if left < 0:
        raise ValueError(f"kernel: {kernel} does not fit a side of {side}")
    starts = range(-pad, left - pad + 1 + (stride - 1 if ceil else 0), stride)
    least, most = (-pad, side + pad) if count_pad else (0, side)
    return tuple((max(start, least), min(start + kernel, most)) for start in starts
                 if start < side)


class Even(NamedTuple):
    """Ranges of one length, one step from one to the next (0 of a single one)."""

    length: int
    step: int
    pad: int


def _even(ranges: Sequence[Range]) -> Even | None:
    """The ranges along an axis, if a descriptor can hold them."""
    lengths = {end - first for first, end in ranges}
    steps = {second[0] - first[0] for first, second in zip(ranges, ranges[1:])} or {0}
    found = Even(max(lengths), max(steps), -ranges[0][0])
    legal = len(lengths) == len(steps) == 1 and found.step in (0, 1, 2, 4, 8) and found.pad >= 0
    return found if legal and found.length <= FIELD_MAX else None


class Band(NamedTuple):
    """Averages as a product: `shares` times the pixels of `lines` of an image are those of the
    patches of `rows`."""

    rows: Range
    lines: Range
    shares: Tensor


class AveragePool:
    """Averages of patches, of any even windows too. Their shares of each pixel add up to 1 exactly:
    a map of one value keeps it (docs/reference/numerics.md).

    Windows that a descriptor can hold are a convolution with the identity, as a 1:16 matrix. Others
    are products of shares and pixels, image by image and row by row of patches, with the bits that
    a convolution would have.
    """

    GROUP = 16

    def __init__(self, core: Core, name: str, windows: Windows | Patches, channels: int,
                 temporaries: Memory | None = None):
        self.core, self.name, self.channels = core, name, channels
        self.temporaries = temporaries or core
        self.patches = windows if isinstance(windows, Patches) else Patches.of(windows)
        self.windows = self.patches.windows
        self._shares: dict[tuple[tuple[int, ...], bytes], Tensor] = {}
        self._forward: list[Band] = []
        self._backward: list[Band] = []
        if self.windows:
            self.planes = self._identity(self.windows)
        else:
            self._forward = [self._band((row, row + 1), self.patches.lines_of(row))
                             for row in range(len(self.patches.rows))]
        if not self.windows or (self.windows.out_h * self.windows.out_w == 1
                                and self.windows.positions >= self.GROUP):
            # The transposed convolution of a large window would multiply at each position, of which
            # one counts.
            rows_of = [self.patches.rows_of(line) for line in range(self.patches.h)]
            self._backward = [
                self._band(rows, (lines[0], lines[-1] + 1)) for rows, lines in
                ((rows, list(lines)) for rows, lines in groupby(range(len(rows_of)),
                                                                key=rows_of.__getitem__))]

    @classmethod
    def of_all(cls, core: Core, name: str, images: int, h: int, w: int, channels: int,
               temporaries: Memory | None = None) -> AveragePool:
        """Over the whole map: one value per image and channel."""
        return cls(core, name, Patches.adaptive(images, h, w), channels, temporaries)

    def _identity(self, windows: Windows) -> Stack:
        """The planes of a convolution, the identity times a position's share."""
        planes = self.core.stack(f"{self.name}.identity", windows.positions,
                                 (self.channels, self.channels), 1, self.GROUP)
        rows = np.arange(planes.values.rows) % -(-self.channels // self.GROUP)
        column = np.arange(self.channels)
        kept = column // self.GROUP == rows[:, None]
        shares = np.repeat(equal_shares(windows.positions), len(kept) // windows.positions)
        values, indices = planes.planes
        values.write(np.where(kept, shares[:, None], np.float16(0)))
        indices.write(np.broadcast_to(column % self.GROUP, kept.shape).astype(np.uint8))
        return planes

    def _band(self, rows: Range, lines: Range) -> Band:
        """Those of the same shares have them in common."""
        matrix = self.patches.shares(rows, lines)
        key = matrix.shape, matrix.tobytes()
        if key not in self._shares:
            self._shares[key] = self.core.from_array(f"{self.name}.shares{len(self._shares)}",
                                                     matrix)
        return Band(rows, lines, self._shares[key])

    def feature_map(self, name: str) -> FeatureMap:
        """A new feature map of the shape of the result."""
        return self.temporaries.feature_map(name, self.patches.images, len(self.patches.rows),
                                            len(self.patches.cols), self.channels)

    def forward(self, program: Program, x: FeatureMap, out: FeatureMap) -> None:
        label = f"FF {self.name}"
        if self.windows:
            program.conv(x.tensor, self.planes, out.tensor, self.windows, label=label)
            return
        for image in range(x.images):
            for band in self._forward:
                program.matmul(band.shares, x.tensor[pixels_of(x, image, band.lines), :],
                               out.tensor[pixels_of(out, image, band.rows), :], label=label)

    def backward(self, program: Program, d_out: FeatureMap, d_x: FeatureMap,
                 residual: Tensor | None = None, mask: Tensor | None = None) -> None:
        """`residual` and `mask`, of the shape of d_x, are those of `Program.matmul`."""
        label = f"BP {self.name}"
        if self.windows and not self._backward:
            program.conv(d_out.tensor, self.planes, d_x.tensor, self.windows.transposed(),
                         residual=residual, mask=mask, label=label)
            return
        for image in range(d_x.images):
            for band in self._backward:
                pixels = pixels_of(d_x, image, band.lines)
                program.matmul(band.shares, d_out.tensor[pixels_of(d_out, image, band.rows), :],
                               d_x.tensor[pixels, :], a_trans=True, label=label,
                               residual=residual and residual[pixels, :],
                               mask=mask and mask[pixels, :])


def pixels_of(fmap: FeatureMap, image: int, lines: Range) -> slice:
    """The rows of its tensor with the pixels of lines of an image."""
    first, end = (image * fmap.h + line for line in lines)
    return slice(first * fmap.w, end * fmap.w)


def equal_shares(count: int) -> np.ndarray:
    """float16 [count]: 1/count, rounded up or down such that the sum is 1; count up to AVERAGE_MAX.
    The same backwards, as the windows of the gradient visit the positions in reverse order."""
    places = 1 << FP16_FRACTION + (count - 1).bit_length()  # 1 in units of a share's last place
    return (np.diff(np.rint(np.arange(count + 1) * places / count)) / places).astype(np.float16)


class MaxPool:
    """The largest value in each window, and where it was."""

    def __init__(self, memory: Memory, name: str, windows: Windows, channels: int):
        self.memory, self.name, self.windows, self.channels = memory, name, windows, channels
        self.winner = memory.tensor(f"{name}.winner", (windows.count, channels), INDEX)

    def feature_map(self, name: str) -> FeatureMap:
        """A new feature map of the shape of the result."""
        return self.memory.feature_map(name, self.windows.images, self.windows.out_h,
                                       self.windows.out_w, self.channels)

    def forward(self, program: Program, x: FeatureMap, out: FeatureMap,
                span: tuple[int, int] | None = None) -> None:
        """Of all images, or of those of a span."""
        x, out, winner, windows = self._span(x, out, span)
        program.max_pool(x.tensor, out.tensor, winner, windows, label=f"FF {self.name}")

    def backward(self, program: Program, d_out: FeatureMap, d_x: FeatureMap,
                 span: tuple[int, int] | None = None) -> None:
        d_x, d_out, winner, windows = self._span(d_x, d_out, span)
        program.max_pool_backward(d_out.tensor, winner, d_x.tensor, windows.transposed(),
                                  label=f"BP {self.name}")

    def _span(self, x: FeatureMap, out: FeatureMap, span: tuple[int, int] | None
              ) -> tuple[FeatureMap, FeatureMap, Tensor, Windows]:
        first, end = span or (0, x.images)
        each = self.windows.out_h * self.windows.out_w
        return (x.part(first, end), out.part(first, end),
                self.winner[first * each : end * each, :],
                replace(self.windows, images=end - first))
