# SPDX-License-Identifier: Apache-2.0
"""PRUNE and UPDATE: new weights and both compressed copies (docs/reference/commands.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import overload

import numpy as np

from .arguments import check_matrix, check_shape, integer
from .compress import Planes, check_nm, compress_bp, compress_ff
from .sampling import Key, sample
from .vector import as_bits, fp32_add, fp32_mul, fp32_sub, fp32_to_fp16

FP32_MAX = 0xFFFFFFFF  # largest bit pattern


@dataclass(frozen=True)
class Copies:
    """What PRUNE writes: the forward and backward planes, None where not asked for."""

    ff: Planes | None
    bp: Planes | None


@dataclass(frozen=True)
class BothCopies(Copies):
    """Copies of which none is missing."""

    ff: Planes
    bp: Planes


@overload
def prune(weights: np.ndarray, n: int, m: int) -> BothCopies: ...


@overload
def prune(weights: np.ndarray, n: int, m: int, *, ff: bool = True, bp: bool = True,
          key: Key | None = None) -> Copies: ...


def prune(weights: np.ndarray, n: int, m: int, *, ff: bool = True, bp: bool = True,
          key: Key | None = None) -> Copies:
    """Compressed copies of W [K][J], given as FP32 (uint32) or FP16 (uint16) patterns.

    FP32 is rounded first; FP16 is taken as it is. With a `key` the forward planes are those of a
    sample. RTL: sat_sore, sat_sampler.
    """
    check_nm(n, m)
    weights = check_matrix("weights", np.asarray(weights))
    half = weights
    if weights.dtype != np.uint16:
        half = fp32_to_fp16(as_bits("weights", weights, np.uint32))
    source = sample(half, n, m, key) if key else half
    if ff and bp:
        return BothCopies(compress_ff(source, n, m), compress_bp(half, n, m))
    return Copies(compress_ff(source, n, m) if ff else None,
                  compress_bp(half, n, m) if bp else None)


def update(
    weights: np.ndarray,
    velocity: np.ndarray,
    gradient: np.ndarray,
    *,
    inv_scale: int,
    momentum: int,
    lr: int,
    decay: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One momentum SGD step; uint32 [K][J] each -> new (weights, velocity). RTL: sat_wuve.

    The scalars are FP32 bit patterns; `decay` None leaves the weight-decay term out (which is not
    the same as a decay of zero when W holds infinities). Every operation rounds once to FP32:

        g = dW*inv_scale;  g = g + decay*W;  V = momentum*V + g;  W = W - lr*V
    """
    for name, bits in (("inv_scale", inv_scale), ("momentum", momentum), ("lr", lr),
                       ("decay", decay or 0)):
        integer(name, bits, 0, FP32_MAX)
    weights = as_bits("weights", weights, np.uint32)
    velocity = as_bits("velocity", velocity, np.uint32)
    gradient = as_bits("gradient", gradient, np.uint32)
    check_shape("velocity", velocity, weights.shape)
    check_shape("gradient", gradient, weights.shape)
    g = fp32_mul(gradient, np.array(inv_scale, np.uint32))
    if decay is not None:
        g = fp32_add(g, fp32_mul(np.array(decay, np.uint32), weights))
    velocity = fp32_add(fp32_mul(np.array(momentum, np.uint32), velocity), g)
    weights = fp32_sub(weights, fp32_mul(np.array(lr, np.uint32), velocity))
    return weights, velocity
