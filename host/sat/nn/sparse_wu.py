# SPDX-License-Identifier: Apache-2.0
"""Sparse weight gradients: N of each M output gradients along the reduction of WU, chosen on the
core (docs/reference/numerics.md, item 14)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import gcd

from sat_golden.compress import check_nm

from ..memory import Compressed, FeatureMap, Memory, Tensor
from ..program import Program


@dataclass(frozen=True)
class SparseWu:
    """N:M of dY in WU: an unbiased sample, or with `largest` the largest of each group, which is
    biased. Values of a sample grow by up to M/N: keep headroom in the loss scale."""

    n: int
    m: int
    largest: bool = False

    def __post_init__(self) -> None:
        check_nm(self.n, self.m)


class Selection:
    """What WU of a layer reads instead of dY [rows][outputs]."""

    def __init__(self, memory: Memory, name: str, spec: SparseWu, rows: int, outputs: int):
        self.name, self.spec = name, spec
        self.planes = memory.compressed(f"{name}.d_out_nm", (rows, outputs), spec.n, spec.m)

    def select(self, program: Program, d_out: Tensor, first: int = 0) -> None:
        """Makes it of dY, or of rows from `first` on, which is a multiple of M. A layer's number,
        which its random bits depend on, comes of its name."""
        planes = self.planes[first : first + d_out.rows, :]
        number = None if self.spec.largest else zlib.crc32(f"{self.name} {first}".encode())
        program.prune(d_out, ff=planes, layer=number, label=f"WU {self.name}")

    def images_of_group(self, d_out: FeatureMap) -> int:
        """The fewest images that are whole groups."""
        return self.spec.m // gcd(self.spec.m, d_out.h * d_out.w)

    def of(self, d_out: FeatureMap, first: int, end: int) -> Compressed:
        """Of the images first .. end - 1."""
        pixels = d_out.h * d_out.w
        return self.planes[first * pixels : end * pixels, :]
