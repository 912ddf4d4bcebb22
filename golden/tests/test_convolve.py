# SPDX-License-Identifier: Apache-2.0
"""Convolutions against plain nested loops, in all passes."""

from dataclasses import dataclass

import numpy as np
import pytest

from sat_golden import (
    Planes,
    Windows,
    compress_bp,
    compress_ff,
    compressed_rows,
    conv,
    decompress,
    reference,
    stimulus,
)
from sat_golden.compress import LEGAL_M
from sat_golden.layers import stack
from sat_golden.vector import fp16_to_float, fp32_bits

ALL_NM = [(n, m) for m in LEGAL_M for n in range(1, m + 1)]
CASES = 240
MOST_STEPS = 12000  # of the nested loops
DRAWS = (
    stimulus.ordinary_fp16,
    lambda rng, shape: stimulus.mixed_fp16(rng, shape, special=0.02),
    lambda rng, shape: stimulus.random_bits(rng, shape, np.uint16),
)


@dataclass(frozen=True)
class Layer:
    """A convolution: x [images][h][w][c], weights [kh][kw][c][j], y [images][oh][ow][j]."""

    images: int
    h: int
    w: int
    c: int
    j: int
    kh: int
    kw: int
    stride: int
    pad: int
    dilation: int

    @property
    def windows(self) -> Windows:
        return Windows.sliding(self.images, self.h, self.w, self.kh, self.kw, stride=self.stride,
                               pad=self.pad, dilation=self.dilation)

    @property
    def positions(self):
        return [(ky, kx) for ky in range(self.kh) for kx in range(self.kw)]

    @property
    def steps(self) -> int:
        side = max(self.windows.count, self.images * self.h * self.w)
        return side * self.kh * self.kw * max(self.c, self.j)

    def at(self, oy: int, ox: int, ky: int, kx: int) -> tuple[int, int]:
        """Where output (oy, ox) reads the input at a position; may lie outside."""
        return (oy * self.stride + ky * self.dilation - self.pad,
                ox * self.stride + kx * self.dilation - self.pad)

    def forward(self, x, weights, kept):
        """`kept` says which weights take part."""
        y = np.zeros((self.images, self.windows.out_h, self.windows.out_w, self.j), np.float32)
        for b, oy, ox in np.ndindex(y.shape[:3]):
            for ky, kx in self.positions:
                iy, ix = self.at(oy, ox, ky, kx)
                inside = 0 <= iy < self.h and 0 <= ix < self.w
                for c in range(self.c):
                    a = x[b, iy, ix, c] if inside else np.float32(0)
                    y[b, oy, ox] = np.where(kept[ky, kx, c], y[b, oy, ox] + a * weights[ky, kx, c],
                                            y[b, oy, ox])
        return y

    def backward(self, dy, weights, kept):
        dx = np.zeros((self.images, self.h, self.w, self.c), np.float32)
        for b, iy, ix in np.ndindex(dx.shape[:3]):
            for ky, kx in reversed(self.positions):
                oy, ox = iy + self.pad - ky * self.dilation, ix + self.pad - kx * self.dilation
                whole = oy % self.stride == 0 and ox % self.stride == 0
                oy, ox = oy // self.stride, ox // self.stride
                inside = whole and 0 <= oy < dy.shape[1] and 0 <= ox < dy.shape[2]
                if not whole:  # no pixel of dy: the position does not take part
                    continue
                for j in range(self.j):
                    a = dy[b, oy, ox, j] if inside else np.float32(0)
                    dx[b, iy, ix] = np.where(kept[ky, kx, :, j],
                                             dx[b, iy, ix] + a * weights[ky, kx, :, j],
                                             dx[b, iy, ix])
        return dx

    def gradient(self, x, dy):
        dw = np.zeros((self.kh, self.kw, self.c, self.j), np.float32)
        for ky, kx in self.positions:
            for b, oy, ox in np.ndindex(dy.shape[:3]):
                iy, ix = self.at(oy, ox, ky, kx)
                inside = 0 <= iy < self.h and 0 <= ix < self.w
                a = x[b, iy, ix] if inside else np.zeros(self.c, np.float32)
                dw[ky, kx] += a[:, None] * dy[b, oy, ox]
        return dw

    def gradient_by_pixel(self, x, dy):
        """The same, but summed over the pixels of x."""
        dw = np.zeros((self.kh, self.kw, self.j, self.c), np.float32)
        for ky, kx in self.positions:
            for b, iy, ix in np.ndindex(x.shape[:3]):
                oy, ox = iy + self.pad - ky * self.dilation, ix + self.pad - kx * self.dilation
                whole = oy % self.stride == 0 and ox % self.stride == 0
                oy, ox = oy // self.stride, ox // self.stride
                inside = whole and 0 <= oy < dy.shape[1] and 0 <= ox < dy.shape[2]
                a = dy[b, oy, ox] if inside else np.zeros(self.j, np.float32)
                dw[ky, kx] += a[:, None] * x[b, iy, ix]
        return dw


def draw_layer(rng: np.random.Generator) -> Layer:
    """Small, and such that both convolutions have a descriptor."""
    while True:
        kh, kw = ((int(rng.integers(1, 8)),) * 2 if rng.random() < 0.7
                  else (int(x) for x in rng.integers(1, 5, 2)))
        dilation = int(rng.choice([1, 1, 2]))
        pad = int(rng.integers(0, dilation * (min(kh, kw) - 1) + 1))
        images, h, w = (int(x) for x in (rng.integers(1, 4), *rng.integers(1, 12, 2)))
        c, j = (int(x) for x in rng.integers(1, 41, 2))
        layer = Layer(images, h, w, c, j, kh, kw, int(rng.choice([1, 1, 2, 2, 4])), pad, dilation)
        try:
            layer.windows
        except ValueError:
            continue
        if layer.steps <= MOST_STEPS:
            return layer


def kept_of(weights: np.ndarray, n: int, m: int) -> np.ndarray:
    """Which of W [K][J] are kept in groups along K."""
    ones = compress_ff(weights, n, m)
    marked = Planes(np.ones_like(ones.values), ones.indices)
    return decompress(marked, len(weights), n, m).astype(bool)


@pytest.mark.parametrize("batch", range(8))
def test_all_passes_agree_with_nested_loops(batch):
    for seed in range(batch * CASES // 8, (batch + 1) * CASES // 8):
        rng = np.random.default_rng(seed)
        layer, (n, m) = draw_layer(rng), ALL_NM[seed % len(ALL_NM)]
        draw = DRAWS[seed % len(DRAWS)]
        windows, (c, j) = layer.windows, (layer.c, layer.j)
        x = draw(rng, (layer.images, layer.h, layer.w, c))
        dy = draw(rng, (layer.images, windows.out_h, windows.out_w, j))
        weights = draw(rng, (layer.kh, layer.kw, c, j))
        by_position = weights.reshape(-1, c, j)
        kept_ff = np.array([kept_of(w, n, m) for w in by_position]).reshape(weights.shape)
        kept_bp = np.array([kept_of(w.T, n, m).T for w in by_position]).reshape(weights.shape)
        ff = stack([compress_ff(w, n, m) for w in by_position])
        bp = stack([compress_bp(w, n, m) for w in by_position[::-1]])
        ff, bp = (ff.values, ff.indices), (bp.values, bp.indices)
        x_map, dy_map = x.reshape(-1, c), dy.reshape(-1, j)
        back = windows.transposed()

        with np.errstate(all="ignore"):
            floats = fp16_to_float(x), fp16_to_float(dy), fp16_to_float(weights)
            expected = {
                "FF": layer.forward(floats[0], floats[2], kept_ff),
                "BP": layer.backward(floats[1], floats[2], kept_bp),
                "WU": layer.gradient(floats[0], floats[1]),
                "WU by pixel": layer.gradient_by_pixel(floats[0], floats[1])[::-1, ::-1],
            }
        got = {
            "FF": conv(x_map, windows, *ff, n, m, out_fp32=True),
            "BP": conv(dy_map, back, *bp, n, m, out_fp32=True),
            "WU": conv(x_map, windows, dy_map, a_trans=True, out_fp32=True),
            "WU by pixel": conv(dy_map, back, x_map, a_trans=True, out_fp32=True),
        }
        for name, result in got.items():
            want = fp32_bits(expected[name]).reshape(result.shape)
            assert (result == want).all(), f"{name} of {layer} at {n}:{m}, seed {seed}"


@pytest.mark.parametrize("a_trans", [False, True])
@pytest.mark.parametrize("n, m", [(1, 2), (3, 4), (2, 8), (5, 16), (4, 4)])
def test_any_planes_agree_with_the_reference(n, m, a_trans):
    """Planes need not be compressed weights; +0 stands where a window or a group ends."""
    rng = np.random.default_rng([n, m, a_trans])
    windows = Windows.sliding(1, 4, 3, 2, 2, stride=2, pad=1)
    channels, cols = 7, 3
    depth = windows.count if a_trans else channels
    segments = 1 if a_trans else windows.positions
    q = compressed_rows(depth, n, m)
    fmap = stimulus.mixed_fp16(rng, (windows.pixels, channels))
    values = stimulus.mixed_fp16(rng, (segments * q, cols))
    indices = None if n == m else rng.integers(0, 16, values.shape).astype(np.uint8)
    bias = stimulus.ordinary_fp32(rng, cols)
    got = conv(fmap, windows, values, indices, n, m, a_trans=a_trans, bias=bias, relu=True)

    def seen(window: int, position: int, channel: int) -> int:
        pixel = windows.pixels_at(position)[window]
        return int(fmap[pixel, channel]) if pixel >= 0 else 0

    def element(row: int, col: int) -> int:
        acc = 0
        for k, w in enumerate(values[:, col].tolist()):
            segment, k = divmod(k, q)
            at = k if n == m else k // n * m + int(indices[segment * q + k, col]) % m
            if at >= depth:
                a = 0
            elif a_trans:
                a = seen(at, *divmod(row, channels))
            else:
                a = seen(row, segment, at)
            acc = reference.pe_mac(acc, a, w)
        return reference.epilogue(acc, int(bias[col]), relu=True)

    assert got.tolist() == [[element(i, j) for j in range(cols)] for i in range(len(got))]
    assert len(got) == (windows.positions * channels if a_trans else windows.count)


def test_average_pooling_is_a_convolution():
    """With the identity divided by P, a 1:16 matrix, at any number of channels."""
    rng = np.random.default_rng(1)
    windows, channels = Windows.sliding(2, 6, 6, 2, 2, stride=2), 20
    x = stimulus.ordinary_fp16(rng, (windows.pixels, channels))
    quarter = np.where(np.eye(channels), np.float16(0.25), np.float16(0)).view(np.uint16)
    stacked = stack([compress_ff(quarter, 1, 16)] * windows.positions)
    planes = stacked.values, stacked.indices
    got = conv(x, windows, *planes, 1, 16, out_fp32=True).view(np.float32)
    images = x.view(np.float16).astype(np.float32).reshape(2, 3, 2, 3, 2, channels)
    assert np.allclose(got, images.mean((2, 4)).reshape(got.shape), 1e-6, 1e-6)
    spread = conv(got.astype(np.float16).view(np.uint16), windows.transposed(), *planes, 1, 16)
    assert spread.shape == x.shape


def test_wrong_arguments_are_named():
    windows = Windows.sliding(1, 3, 3, 2, 2)
    with pytest.raises(ValueError, match="^fmap:"):
        conv(np.zeros((8, 2), np.uint16), windows, np.zeros((8, 3), np.uint16))
    with pytest.raises(TypeError, match="^fmap:"):
        conv(np.zeros((9, 2), np.float16), windows, np.zeros((8, 3), np.uint16))
    with pytest.raises(ValueError, match="^s_values:"):
        conv(np.zeros((9, 2), np.uint16), windows, np.zeros((9, 3), np.uint16))
