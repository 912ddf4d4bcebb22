# SPDX-License-Identifier: Apache-2.0
"""Fast twins of `reference.py`: numpy arrays of bit patterns, any (broadcastable) shape.

They use float32 arithmetic, which IEEE 754 defines bit for bit except for the payload of NaN; every
NaN is made canonical on the way out. All such arithmetic of this package is inside `exact()`. FP16
patterns are uint16, FP32 patterns uint32.
"""

from __future__ import annotations

import numpy as np

from .formats import ACC, FP16, FP32, WIDE, FpFormat
from .fp_mode import exact

FP16_NAN = np.uint16(FP16.nan)
FP32_NAN = np.uint32(FP32.nan)


def as_bits(name: str, array, dtype) -> np.ndarray:
    """`array` as an ndarray; TypeError that names the argument if it has another dtype."""
    array = np.asarray(array)
    if array.dtype != dtype:
        raise TypeError(f"{name}: bit patterns of {np.dtype(dtype)} expected, not {array.dtype}")
    return array


def fp16_view(bits: np.ndarray) -> np.ndarray:
    """uint16 patterns seen as float16, without a copy."""
    return as_bits("bits", bits, np.uint16).view(np.float16)


def fp32_view(bits: np.ndarray) -> np.ndarray:
    """uint32 patterns seen as float32, without a copy."""
    return as_bits("bits", bits, np.uint32).view(np.float32)


def fp32_bits(value: np.ndarray) -> np.ndarray:
    """float32 -> uint32 patterns, NaN made canonical."""
    value = np.asarray(value, np.float32)
    return np.where(np.isnan(value), FP32_NAN, value.view(np.uint32))


def fp16_bits(value: np.ndarray) -> np.ndarray:
    """float16 -> uint16 patterns, NaN made canonical."""
    value = np.asarray(value, np.float16)
    return np.where(np.isnan(value), FP16_NAN, value.view(np.uint16))


def fp32_add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """FP32 a + b, elementwise."""
    with exact():
        return fp32_bits(fp32_view(a) + fp32_view(b))


def fp32_sub(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """FP32 a - b, elementwise (a plus b with its sign flipped)."""
    with exact():
        return fp32_bits(fp32_view(a) - fp32_view(b))


def fp32_mul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """FP32 a * b, elementwise."""
    with exact():
        return fp32_bits(fp32_view(a) * fp32_view(b))


def fp16_mul_exact(a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """FP16 a * w as FP32, elementwise."""
    return fp32_mul(fp16_to_fp32(a), fp16_to_fp32(w))


def fp16_to_fp32(half: np.ndarray) -> np.ndarray:
    """FP16 -> FP32, elementwise."""
    return fp32_bits(fp16_to_float(half))


def fp16_to_float(half: np.ndarray) -> np.ndarray:
    """FP16 patterns -> float32 values (a NaN need not be canonical)."""
    with exact():
        return fp16_view(half).astype(np.float32)


def fp32_to_fp16(value: np.ndarray) -> np.ndarray:
    """FP32 -> FP16, elementwise."""
    with exact():
        return fp16_bits(fp32_view(value).astype(np.float16))


def pe_mac(acc: np.ndarray, a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """FP32 acc + FP16 a * FP16 w, elementwise. The product is exact, so this rounds once."""
    return fp32_add(acc, fp16_mul_exact(a, w))


def fp32_relu(value: np.ndarray) -> np.ndarray:
    """value where it is NaN or > 0, else +0."""
    x = fp32_view(value)
    with exact():
        return fp32_bits(np.where(np.isnan(x) | (x > 0), x, np.float32(0)))


def mask_passes(half: np.ndarray) -> np.ndarray:
    """Boolean: FP16 pattern > 0 as a signed 16-bit integer."""
    return as_bits("half", half, np.uint16).view(np.int16) > 0


def fp16_widen(half: np.ndarray) -> np.ndarray:
    """FP16 -> 17-bit array operand (uint32)."""
    return rebias(fp16_to_fp32(half), WIDE)


def acc_to_fp32(acc: np.ndarray) -> np.ndarray:
    """31-bit accumulator (uint32) -> FP32."""
    acc = as_bits("acc", acc, np.uint32)
    magnitude = acc & np.uint32(ACC.sign_bit - 1)
    sign = (acc >> np.uint32(ACC.sign_shift)) << 31
    finite = magnitude + np.uint32((FP32.bias - ACC.bias) << FP32.man_bits)
    result = np.where(magnitude == 0, np.uint32(0), finite)
    result = np.where(magnitude >= ACC.inf, np.uint32(FP32.inf), result)
    return np.where(magnitude > ACC.inf, FP32_NAN, sign | result)


def fp32_to_acc(value: np.ndarray) -> np.ndarray:
    """FP32 -> 31-bit accumulator (uint32): the inverse of `acc_to_fp32`, where that has one."""
    return rebias(as_bits("value", value, np.uint32), ACC)


def rebias(value: np.ndarray, fmt: FpFormat) -> np.ndarray:
    """FP32 -> `fmt` (uint32), for zeros, infinities, NaN, and normal numbers it holds exactly."""
    magnitude = value & np.uint32(0x7FFFFFFF)
    sign = (value >> 31) << np.uint32(fmt.sign_shift)
    finite = magnitude - np.uint32((FP32.bias - fmt.bias) << FP32.man_bits)
    finite >>= np.uint32(FP32.man_bits - fmt.man_bits)
    result = np.where(magnitude == 0, np.uint32(0), finite)
    result = np.where(magnitude >= FP32.inf, np.uint32(fmt.inf), result)
    return np.where(magnitude > FP32.inf, np.uint32(fmt.nan), sign | result)
