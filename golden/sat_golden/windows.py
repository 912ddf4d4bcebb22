# SPDX-License-Identifier: Apache-2.0
"""Windows over a feature map: which pixel a window sees at a kernel position.

Definition: docs/reference/commands.md, "Windows over a feature map".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from .arguments import integer
from .defs import FIELDS, SIZE_MAX

OUTSIDE = -1  # in place of a pixel
FIELD_MAX = (1 << FIELDS["KERNEL_H"][2]) - 1  # of a kernel's side in a descriptor
PAD_MAX = (1 << FIELDS["PAD_TOP"][2] - 1) - 1
SIDE_MAX = (1 << FIELDS["MAP_H"][2]) - 1


@dataclass(frozen=True)
class Windows:
    """`images` maps of `map_h` x `map_w` pixels, seen through `out_h` x `out_w` windows each.

    Pixels and windows are numbered image by image, row by row: these are the rows of the matrices
    that hold the map and the result. Names and meanings are those of the descriptor; `images` is
    its field `rows`. A padding below zero says that the first window begins inside the map. As in a
    descriptor, nothing is checked: `sliding` does.
    """

    images: int
    map_h: int
    map_w: int
    out_h: int
    out_w: int
    kernel_h: int = 1
    kernel_w: int = 1
    step_log2: int = 0
    dilation_log2: int = 0
    upsample_log2: int = 0
    pad_top: int = 0
    pad_left: int = 0

    @classmethod
    def sliding(cls, images: int, map_h: int, map_w: int, kernel_h: int, kernel_w: int, *,
                stride: int = 1, pad: int = 0, dilation: int = 1) -> Windows:
        """Those of a layer with the same padding on all sides: as many as lie on the padded map.
        Sizes are at least 1, kernel sides at most 15, `pad` at most 127; `stride` and `dilation`
        are 1, 2, 4 or 8. ValueError or TypeError name what is none of these, or the kernel if no
        window fits.
        """
        for name, size, most in (("images", images, SIZE_MAX), ("map_h", map_h, SIDE_MAX),
                                 ("map_w", map_w, SIDE_MAX)):
            integer(name, size, 1, most)
        for name, side in (("kernel_h", kernel_h), ("kernel_w", kernel_w)):
            integer(name, side, 1, FIELD_MAX)
        integer("pad", pad, 0, PAD_MAX)
        step_log2, dilation_log2 = log2_of("stride", stride), log2_of("dilation", dilation)

        def places(size: int, kernel: int) -> int:
            return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1

        out_h, out_w = places(map_h, kernel_h), places(map_w, kernel_w)
        if out_h < 1 or out_w < 1:
            raise ValueError(f"kernel: {kernel_h}x{kernel_w} does not fit {map_h}x{map_w}")
        return cls(images, map_h, map_w, out_h, out_w, kernel_h, kernel_w,
                   step_log2, dilation_log2, 0, pad, pad)

    def transposed(self) -> Windows:
        """The windows of the gradient: over the grid of these windows, one for each pixel, and
        position p sees what sees the pixel at position P-1-p. Where the padding goes further than
        the kernel reaches, they begin inside that grid: what sees padding alone has no gradient."""
        pad_top, pad_left = ((side - 1 << self.dilation_log2) - pad
                             for side, pad in ((self.kernel_h, self.pad_top),
                                               (self.kernel_w, self.pad_left)))
        return Windows(self.images, self.out_h, self.out_w, self.map_h, self.map_w, self.kernel_h,
                       self.kernel_w, self.upsample_log2, self.dilation_log2, self.step_log2,
                       pad_top, pad_left)

    @property
    def positions(self) -> int:
        """P, the positions of the kernel, in the order (ky, kx)."""
        return self.kernel_h * self.kernel_w

    @property
    def pixels(self) -> int:
        """Rows of the matrix that holds the map."""
        return self.images * self.map_h * self.map_w

    @property
    def count(self) -> int:
        """G, the windows: rows of the matrix of results."""
        return self.images * self.out_h * self.out_w

    def fields(self) -> dict[str, Any]:
        """The fields of a `Descriptor`, integers, as its keyword arguments."""
        fields = asdict(self)
        return {"rows": fields.pop("images"), **fields}

    def phases(self) -> Iterator[Phase]:
        """What a convolution is cut into: windows that see pixels, and not what `upsample` puts
        between them, at the same positions. One phase without `upsample`."""
        s = 1 << self.upsample_log2
        window = np.arange(self.count).reshape(self.images, self.out_h, self.out_w)
        position = np.arange(self.positions).reshape(self.kernel_h, self.kernel_w)
        for y, x in np.ndindex(min(s, self.out_h), min(s, self.out_w)):
            ky, pad_top = self._seen_from(y, self.kernel_h, self.pad_top)
            kx, pad_left = self._seen_from(x, self.kernel_w, self.pad_left)
            rows = window[:, y::s, x::s]
            windows = Windows(self.images, self.map_h, self.map_w, rows.shape[1], rows.shape[2],
                              len(ky), len(kx), self.step_log2,
                              max(0, self.dilation_log2 - self.upsample_log2), 0, pad_top, pad_left)
            yield Phase(windows, position[np.ix_(ky, kx)].reshape(-1), rows.reshape(-1))

    def phased(self) -> np.ndarray:
        """bool [P]: the kernel's positions that belong to a phase. At the others every window meets
        what `upsample` puts between the pixels."""
        s = 1 << self.upsample_log2
        ky, kx = (np.isin(np.arange(kernel), [k for out in range(min(s, outs))
                                              for k in self._seen_from(out, kernel, pad)[0]])
                  for outs, kernel, pad in ((self.out_h, self.kernel_h, self.pad_top),
                                            (self.out_w, self.kernel_w, self.pad_left)))
        return np.logical_and.outer(ky, kx).reshape(-1)

    def _seen_from(self, out: int, kernel: int, pad: int) -> tuple[list[int], int]:
        """Along one axis: where in the kernel a window sees pixels, and the padding, in pixels,
        that the first of these positions leaves."""
        at = [(out << self.step_log2) + (k << self.dilation_log2) - pad for k in range(kernel)]
        seen = [k for k in range(kernel) if not at[k] & (1 << self.upsample_log2) - 1]
        return seen, -(at[seen[0]] >> self.upsample_log2) if seen else 0

    def pixels_at(self, position: int) -> np.ndarray:
        """int64 [G]: the pixel each window sees at a position, or OUTSIDE."""
        ky, kx = divmod(position, self.kernel_w)
        y = self._along(self.out_h, ky, self.pad_top, self.map_h)[:, None]
        x = self._along(self.out_w, kx, self.pad_left, self.map_w)[None, :]
        image = np.arange(self.images)[:, None, None] * (self.map_h * self.map_w)
        seen = np.where((y == OUTSIDE) | (x == OUTSIDE), OUTSIDE, image + y * self.map_w + x)
        return seen.reshape(-1)

    def seen(self) -> np.ndarray:
        """int64: the pixels that any window sees, in ascending order."""
        rows = [self._along(self.out_h, ky, self.pad_top, self.map_h)
                for ky in range(self.kernel_h)]
        cols = [self._along(self.out_w, kx, self.pad_left, self.map_w)
                for kx in range(self.kernel_w)]
        y, x = (np.setdiff1d(np.concatenate(along), [OUTSIDE]) for along in (rows, cols))
        image = np.arange(self.images)[:, None, None] * (self.map_h * self.map_w)
        return (image + y[:, None] * self.map_w + x).reshape(-1)

    def _along(self, outs: int, k: int, pad: int, size: int) -> np.ndarray:
        """int64 [outs]: the coordinate in the map along one axis, or OUTSIDE."""
        at = (np.arange(outs) << self.step_log2) + (k << self.dilation_log2) - pad
        index = at >> self.upsample_log2
        inside = (index << self.upsample_log2 == at) & (index >= 0) & (index < size)
        return np.where(inside, index, OUTSIDE)

    def gather(self, fmap: np.ndarray, position: int) -> np.ndarray:
        """[pixels][C] -> [G][C]: what the windows see at a position, 0 where outside."""
        pixels = self.pixels_at(position)
        seen = fmap[pixels]  # OUTSIDE is a legal index, of a row that is cleared here
        seen[pixels == OUTSIDE] = 0
        return seen


class Phase(NamedTuple):
    """Windows of a convolution over an upsampled map that are those of an ordinary one.

    windows     the ordinary one: `upsample_log2` is 0, and without positions (`kernel_h` or
                `kernel_w` 0) nothing is seen
    positions   int64: which positions of the kernel these windows see pixels at, ascending
    rows        int64: which of all windows they are, ascending
    """

    windows: Windows
    positions: np.ndarray
    rows: np.ndarray


def log2_of(name: str, value: int) -> int:
    """ValueError or TypeError that names the argument unless it is 1, 2, 4 or 8."""
    value = integer(name, value, 1, 8)
    if value not in (1, 2, 4, 8):
        raise ValueError(f"{name}: {value} is not 1, 2, 4 or 8")
    return value.bit_length() - 1
