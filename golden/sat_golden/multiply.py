# SPDX-License-Identifier: Apache-2.0
"""MATMUL: C[I][J] = epilogue(A[I][K] . S[K][J]), bit for bit.

Items 1, 2, 6 and 7 of docs/reference/numerics.md.

The order of additions is part of the contract, so no BLAS: every step adds one outer product of a
column of A and a row of S to a block of accumulators that stays in cache. Each element then sees
its products in ascending k. An FP16 x FP16 product fits float32, so multiplying and then adding
rounds once, as the contract says.

Where there is a compiler, compiled twins do the work (kernel.py); the bits are the same.
"""

from __future__ import annotations

import numpy as np

from . import kernel
from .arguments import check_matrix, check_shape
from .compress import check_nm, compressed_rows, group_rows
from .fp_mode import exact
from .vector import (
    as_bits,
    fp16_to_float,
    fp16_to_fp32,
    fp32_add,
    fp32_bits,
    fp32_relu,
    fp32_to_fp16,
    mask_passes,
)

# Accumulators of one block. Block and temporary (4 bytes each) together fit a 1 MiB L2 cache, and
# numpy's call overhead disappears behind 64 Ki multiply-adds.
BLOCK_ELEMENTS = 1 << 16
BLOCK_COLS = 512


def matmul(
    a: np.ndarray,
    s_values: np.ndarray,
    s_indices: np.ndarray | None = None,
    n: int = 2,
    m: int = 2,
    *,
    a_trans: bool = False,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    relu: bool = False,
    mask: np.ndarray | None = None,
    out_fp32: bool = False,
) -> np.ndarray:
    """One MATMUL command on bit patterns.

    a          uint16 [I][K], or [K][I] with `a_trans`
    s_values   uint16 [Q][J]; Q = K if n == m, else ceil(K/m)*n
    s_indices  uint8 [Q][J], None if n == m; only the low log2(m) bits of an element count
    bias       uint32 [J] or [1][J]
    residual   as what is returned
    mask       uint16 [I][J]
    returns    uint32 [I][J] with `out_fp32`, else uint16 [I][J]

    ValueError or TypeError name the argument whose shape or dtype is wrong.
    """
    check_nm(n, m)
    a = check_matrix("a", as_bits("a", a, np.uint16))
    check_planes(s_values, s_indices, a.shape[0 if a_trans else 1], n, m)
    acc = product(a, s_values, s_indices, n, m, a_trans)
    return checked_epilogue(acc, bias, residual, relu, mask, out_fp32)


def check_planes(values: np.ndarray, indices: np.ndarray | None, depth: int, n: int,
                 m: int) -> None:
    """ValueError or TypeError unless these are operand S of a reduction over `depth`."""
    check_matrix("s_values", as_bits("s_values", values, np.uint16))
    check_shape("s_values", values, (compressed_rows(depth, n, m), values.shape[1]))
    if n == m:
        if indices is not None:
            raise ValueError("s_indices: must be None for a dense operand (n == m)")
    else:
        if indices is None:
            raise ValueError("s_indices: missing for a compressed operand (n < m)")
        check_shape("s_indices", as_bits("s_indices", indices, np.uint8), values.shape)


def product(a: np.ndarray, s_values: np.ndarray, s_indices: np.ndarray | None, n: int, m: int,
            a_trans: bool) -> np.ndarray:
    """FP32 patterns of the sums, uint32 [I][J], in which a NaN need not be canonical."""
    if compiled := kernel.library():
        return kernel.product(compiled, a, s_values, s_indices, n, m, a_trans)
    a_t = a if a_trans else a.T
    if s_indices is None:
        return fp32_bits(dense_product(a_t, s_values))
    return fp32_bits(sparse_product(a_t, s_values, s_indices, n, m))


def checked_epilogue(
    acc: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    relu: bool = False,
    mask: np.ndarray | None = None,
    out_fp32: bool = False,
) -> np.ndarray:
    """`epilogue` of operands as `matmul` takes them, with its errors."""
    if bias is not None:
        bias = as_bits("bias", bias, np.uint32).reshape(-1)
        check_shape("bias", bias, acc.shape[1:])
    c_bits = np.uint32 if out_fp32 else np.uint16
    for name, matrix, bits in (("residual", residual, c_bits), ("mask", mask, np.uint16)):
        if matrix is not None:
            check_shape(name, as_bits(name, matrix, bits), acc.shape)
    return epilogue(acc, bias, residual, relu, mask, out_fp32)


def epilogue(
    acc: np.ndarray,
    bias: np.ndarray | None = None,
    residual: np.ndarray | None = None,
    relu: bool = False,
    mask: np.ndarray | None = None,
    out_fp32: bool = False,
) -> np.ndarray:
    """What MATMUL does to finished sums: acc uint32 [I][J], the rest as in `matmul`; a bias may
    also be [I][J]. RTL: sat_epilogue."""
    compiled = kernel.library()
    if compiled and (bias is None or bias.size == acc.shape[1]):
        return kernel.epilogue(compiled, acc, bias, residual, relu, mask, out_fp32)
    value = acc
    if bias is not None:
        value = fp32_add(value, bias)
    if residual is not None:
        value = fp32_add(value, residual if out_fp32 else fp16_to_fp32(residual))
    if relu:
        value = fp32_relu(value)
    if mask is not None:
        value = np.where(mask_passes(mask), value, np.uint32(0))
    return value if out_fp32 else fp32_to_fp16(value)


def dense_product(a_t: np.ndarray, s: np.ndarray) -> np.ndarray:
    """float32 [I][J] = sum over ascending k of a_t[k][i] * s[k][j]; uint16 operands."""
    if s.shape[1] < a_t.shape[1]:  # numpy's inner loop runs along the last axis
        return dense_product(s, a_t).T
    a_t, s = fp16_to_float(a_t), fp16_to_float(s)
    rows, cols = a_t.shape[1], s.shape[1]
    out = np.empty((rows, cols), np.float32)
    step_j = min(cols, BLOCK_COLS)
    step_i = BLOCK_ELEMENTS // step_j
    with exact():
        for j in range(0, cols, step_j):
            s_block = np.ascontiguousarray(s[:, j : j + step_j])
            for i in range(0, rows, step_i):
                a_block = np.ascontiguousarray(a_t[:, i : i + step_i])
                acc = np.zeros((a_block.shape[1], s_block.shape[1]), np.float32)
                product = np.empty_like(acc)
                for a_col, s_row in zip(a_block[:, :, None], s_block):
                    np.multiply(a_col, s_row, out=product)
                    np.add(acc, product, out=acc)
                out[i : i + step_i, j : j + step_j] = acc
    return out


def sparse_product(
    a_t: np.ndarray, values: np.ndarray, indices: np.ndarray, n: int, m: int
) -> np.ndarray:
    """As `dense_product` with a compressed S: k runs over the rows q of the planes in ascending
    order, and each column j takes its own row of a_t. The index chooses that row, so the block is
    kept transposed, [J][I], and rows of a_t are gathered whole."""
    depth, rows = a_t.shape
    cols = values.shape[1]
    padded = np.zeros((-(-depth // m) * m, rows), np.float32)
    padded[:depth] = fp16_to_float(a_t)
    k_of = group_rows(indices, n, m)
    values = fp16_to_float(values)
    out = np.empty((rows, cols), np.float32)
    step_i = min(rows, BLOCK_COLS)
    step_j = BLOCK_ELEMENTS // step_i
    with exact():
        for i in range(0, rows, step_i):
            a_block = np.ascontiguousarray(padded[:, i : i + step_i])
            for j in range(0, cols, step_j):
                k_block = np.ascontiguousarray(k_of[:, j : j + step_j])
                s_block = np.ascontiguousarray(values[:, j : j + step_j])
                acc = np.zeros((s_block.shape[1], a_block.shape[1]), np.float32)
                product = np.empty_like(acc)
                for k_row, s_row in zip(k_block, s_block[:, :, None]):
                    # mode: the rows are in range by construction; "raise" would buffer the output.
                    a_block.take(k_row, axis=0, out=product, mode="clip")
                    np.multiply(product, s_row, out=product)
                    np.add(acc, product, out=acc)
                out[i : i + step_i, j : j + step_j] = acc.T
    return out
