# SPDX-License-Identifier: Apache-2.0
"""N:M selection of torch tensors, as SORE selects (docs/reference/numerics.md, 5)."""

from __future__ import annotations

import torch

MAGNITUDE = 0x7FFFFFFF  # FP32 without its sign
SIGN_BIT = 31


def select(values: torch.Tensor, n: int, m: int, dim: int) -> torch.Tensor:
    """The `n` of every `m` elements along `dim` with the largest magnitude, and +0 for the others;
    of equals the lower index is kept. FP32. Magnitudes that differ in the last four bits of FP32
    alone count as equal: no two of FP16 do.
    """
    along = values.detach().movedim(dim, 0)
    rows = along.reshape(len(along), -1)
    if len(rows) % m:
        rows = torch.nn.functional.pad(rows, (0, 0, 0, -len(rows) % m))
    bits = rows.contiguous().view(torch.int32).view(-1, m, rows.shape[1])
    # Magnitude above, complement of the index below: no two keys of a group are equal.
    index = torch.arange(m - 1, -1, -1, dtype=torch.int32, device=values.device).view(1, m, 1)
    keys = (bits & (MAGNITUDE ^ 15)).bitwise_or_(index)
    # All ones where a key is below the least that is kept: faster than comparing and choosing.
    dropped = keys.sub_(least_kept(keys, n).unsqueeze(1)).bitwise_right_shift_(SIGN_BIT)
    kept = dropped.bitwise_not_().bitwise_and_(bits).view(torch.float32).view(rows.shape)
    return kept[: len(along)].view(along.shape).movedim(0, dim)


def least_kept(keys: torch.Tensor, n: int) -> torch.Tensor:
    """The n-th largest along axis 1 [G][M][C] -> [G][C], by insertion into a sorted list."""
    largest: list[torch.Tensor] = []
    for key in keys.unbind(1):
        for place, other in enumerate(largest):
            largest[place] = torch.maximum(other, key)
            if place < n - 1:
                key = torch.minimum(other, key)
        if len(largest) < n:
            largest.append(key)
    return largest[-1]


def prune(weight: torch.Tensor, n: int, m: int, dim: int) -> torch.Tensor:
    """What PRUNE makes of weights: rounded to FP16, then N:M along `dim`; in the weights' dtype. A
    NaN stays one and is kept, but its bits are torch's."""
    half = weight.detach().to(torch.float16).to(torch.float32)
    return select(half, n, m, dim).to(weight.dtype)
