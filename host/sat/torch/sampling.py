# SPDX-License-Identifier: Apache-2.0
"""N of every M gradients for WU: the largest, or an unbiased sample of least variance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from sat_golden.sampling import parts_of

from .selection import select

MODES = "sample", "largest"


@dataclass(frozen=True)
class GradientSelection:
    """dY as WU reads it: of every M of its rows, N per column.

    mode  "largest": as they are; the gradient of the weights is then biased. "sample": at random,
          and scaled so that the mean is dY; N of at most N that are not zero are as they are if N
          is 1 or 2
    """

    n: int
    m: int
    mode: str = "sample"

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """[K][columns] -> the same with zeros; of a last group that is not whole the rest counts as
        zero. FP32 inside. Random numbers are torch's, one for each group of rows."""
        single = rows.to(torch.float32)
        if self.mode == "largest":
            return select(single, self.n, self.m, 0).to(rows.dtype)
        groups = torch.nn.functional.pad(single, (0, 0, 0, -len(rows) % self.m))
        groups = groups.view(-1, self.m, rows.shape[1]).transpose(0, 1).contiguous()
        u = torch.rand(groups.shape[1], 1, device=rows.device)
        made = sample(groups, self.n, u).transpose(0, 1)
        return made.reshape(-1, rows.shape[1])[: len(rows)].to(rows.dtype)


def sample(groups: torch.Tensor, n: int, u: torch.Tensor) -> torch.Tensor:
    """N of M of [M][G][C], by u [G][1] in 0..1, which all columns share; the mean over u is what
    they are. More than two are one or two of each of several parts, as on the core."""
    sizes, parts, made = groups.abs(), parts_of(n), []
    for number, part in enumerate(sizes.chunk(parts)):
        made += (two_of if number < n - parts else one_of)(part, u)
    return torch.stack(made).copysign_(groups)


def one_of(sizes: torch.Tensor, u: torch.Tensor) -> list[torch.Tensor]:
    """One, with a probability in proportion to its size; it becomes the sum of all."""
    total = sizes.sum(0)
    return [hit * total for hit in hits(sizes, u * total)]


def two_of(sizes: torch.Tensor, u: torch.Tensor) -> list[torch.Tensor]:
    """Two, of the least variance: the largest as it is and one of the others, if it is at least
    half of the sum; else each with twice its share as probability, by thresholds half of the sum
    apart, and it becomes half of the sum."""
    half, largest = sizes.sum(0).div_(2), sizes.amax(0)
    spread = largest < half
    others, stays, found = sizes.clone(), [], spread
    for size in others:
        stays.append((size == largest) > found)
        found = found | stays[-1]
        size.masked_fill_(stays[-1], 0)
    step = torch.where(spread, half, others.sum(0))
    first = u * step
    second = torch.where(spread, first + half, torch.inf)
    return [torch.where(stay, largest, (hit | other) * step)
            for stay, hit, other in zip(stays, hits(others, first), hits(others, second))]


def hits(sizes: torch.Tensor, threshold: torch.Tensor) -> Iterator[torch.Tensor]:
    """True where the running sum passes the threshold."""
    running = torch.zeros_like(threshold)
    before = running > threshold
    for size in sizes:
        running += size
        passed = running > threshold
        yield passed > before
        before = passed
