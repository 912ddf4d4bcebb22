# SPDX-License-Identifier: Apache-2.0
"""MATMUL with `conv`: a product whose operand A is windows over a feature map
(docs/reference/numerics.md, item 10)."""

from __future__ import annotations

import numpy as np

from . import kernel
from .arguments import check_matrix, check_shape
from .compress import check_nm, compressed_rows, padded_rows
from .multiply import check_planes, checked_epilogue, product
from .vector import as_bits
from .windows import Windows


def window_matrix(fmap: np.ndarray, windows: Windows, pad_to: int = 1) -> np.ndarray:
    """uint16 [pixels][C] -> the transposed window matrix [P*C'][G]: a column per window, a row per
    position and, within it, channel. C' is C padded with +0 to a multiple of `pad_to`."""
    channels = fmap.shape[1]
    padded = -(-channels // pad_to) * pad_to
    matrix = np.zeros((windows.positions, padded, windows.count), np.uint16)
    for position in range(windows.positions):
        matrix[position, :channels] = windows.gather(fmap, position).T
    return matrix.reshape(-1, windows.count)


def conv(
    fmap: np.ndarray,
    windows: Windows,
    s_values: np.ndarray,
    s_indices: np.ndarray | None = None,
    n: int = 2,
    m: int = 2,
    *,
    a_trans: bool = False,
    whole: bool = False,
    **epilogue,
) -> np.ndarray:
    """One MATMUL command with `conv`; operands and results as in `matmul`, which takes `epilogue`.

    fmap      uint16 [images*map_h*map_w][C]
    s_values  uint16: [P*C][J] (N:M: [P*ceil(C/m)*n][J]), with `a_trans` [G][J] (N:M along G)
    whole     elements between two pixels of an upsampled map take part, as with `sums`
    returns   [G][J], with `a_trans` [P*C][J]
    """
    check_nm(n, m)
    fmap = check_matrix("fmap", as_bits("fmap", fmap, np.uint16))
    check_shape("fmap", fmap, (windows.pixels, fmap.shape[1]))
    # Along the channels every position has whole groups of its own.
    channels = fmap.shape[1] if a_trans else padded_rows(fmap.shape[1], n, m)
    depth = windows.count if a_trans else windows.positions * channels
    check_planes(s_values, s_indices, depth, n, m)
    if a_trans or whole:
        acc = window_product(fmap, windows, s_values, s_indices, n, m, a_trans)
        return checked_epilogue(acc, **epilogue)
    rows, cols = compressed_rows(channels, n, m), s_values.shape[1]
    acc = np.zeros((windows.count, cols), np.uint32)
    for phase in windows.phases():
        if phase.windows.positions:
            kept = (phase.positions[:, None] * rows + np.arange(rows)).reshape(-1)
            indices = None if s_indices is None else s_indices[kept]
            acc[phase.rows] = window_product(fmap, phase.windows, s_values[kept], indices, n, m)
    return checked_epilogue(acc, **epilogue)


def window_product(fmap: np.ndarray, windows: Windows, s_values: np.ndarray,
                   s_indices: np.ndarray | None, n: int, m: int,
                   a_trans: bool = False) -> np.ndarray:
    """FP32 patterns of the sums as `product` gives them; windows are not cut into phases."""
    if compiled := kernel.library():
        return kernel.product(compiled, fmap, s_values, s_indices, n, m, a_trans, windows)
    matrix = window_matrix(fmap, windows, 1 if a_trans or n == m else m)
    return product(matrix, s_values, s_indices, n, m, not a_trans)
