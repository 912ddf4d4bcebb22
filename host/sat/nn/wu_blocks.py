# SPDX-License-Identifier: Apache-2.0
"""In blocks of how many images the weight gradient (WU) of a convolution is made fastest.

Blocks are added up in memory. Of a small one dY stays in the S scratchpad and the map in the map
cache, which a sparse WU needs, and it may begin as soon as its part of dY exists; but each reads
and writes all of dW. Which counts for more, the cycle model says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from sat_golden import native

from ..config import SatConfig
from ..memory import FeatureMap, Tensor
from ..plan import ceil_div, model
from ..plan.estimate import STARTUP
from ..plan.tiling import LINE_BYTES, array_slots
from ..program import Command, Program
from ..traffic import moved_bytes, tensor_bytes

BLOCKS = 4  # where nothing speaks against it: each begins when a quarter of dY exists
SLACK = 1.01  # times the least cost is as good
READ = 0.25  # cycles that reading a beat costs those who read beside it
ENOUGH = 1e6  # cycles: blocks that take less are timed several at a time

_known: dict[tuple[SatConfig, bytes], tuple[float, float]] = {}  # what is alike is run once


@dataclass(frozen=True)
class Blocks:
    """Ways to cut the weight gradient `dw` of the windows on `x`.

    product  adds the command of images first .. end - 1
    group    images of which a block has a multiple, or all
    """

    config: SatConfig
    x: FeatureMap
    dw: Tensor
    product: Callable[..., Command]
    group: int = 1

    def choose(self) -> int:
        """Images of a block. From BLOCKS on it looks at more blocks until writing dW would take all
        the time, and at fewer where that is worth something."""
        start = self._whole_groups(ceil_div(self.x.images, BLOCKS))
        found = {start: self._cost(start)}
        if found[start] > SLACK * self._least:
            for images in self._finer(start):
                if self._count(images) * self._sums_cycles > min(found.values()):
                    break
                found[images] = self._cost(images)
            for images in self._coarser(start):
                saved = self._count(start) * (2 * self._sums_cycles + STARTUP)
                if saved < (SLACK - 1) * found[start]:
                    break
                found[images] = self._cost(images)
        best = min(found.values())
        return next(images for images, cost in found.items() if cost <= SLACK * best)

    def _finer(self, images: int) -> Iterator[int]:
        """Half as many each time; in their place among them what the map cache holds."""
        lines = self.x.h * self.x.w * ceil_div(self.x.tensor.row_bytes, LINE_BYTES)
        cached = self.config.cache_lines // lines // self.group * self.group
        sizes = {cached} if 0 < cached < images else set()
        while images > self.group:
            images = self._whole_groups(ceil_div(images, 2))
            sizes.add(images)
        yield from sorted(sizes, reverse=True)

    def _coarser(self, images: int) -> Iterator[int]:
        while images < self.x.images:
            images = min(2 * images, self.x.images)
            yield images

    def _whole_groups(self, images: int) -> int:
        return min(self.group * ceil_div(images, self.group), self.x.images)

    def _count(self, images: int) -> int:
        return ceil_div(self.x.images, images)

    @cached_property
    def _sums_cycles(self) -> float:
        """In which dW is written, or read."""
        return self.dw.rows * self.dw.row_bytes / (self.config.data_w // 8)

    @cached_property
    def _least(self) -> float:
        """The cost of multiplying, and of reading each operand once."""
        whole = self.product(Program(self.config), 0, self.x.images, residual=None)
        reads = sum(map(tensor_bytes, whole.reads)) / (self.config.data_w // 8)
        return array_slots(self.config, whole.descriptor) * self.config.t + READ * reads

    def _cost(self, images: int) -> float:
        """Of all blocks, from the first few: cycles, and those in which memory is read."""
        program = Program(self.config)
        add = partial(self.product, residual=self.dw if images < self.x.images else None)
        for first in range(0, self.x.images - images + 1, images):
            add(program, first, first + images)
            if sum(command.estimate for command in program) > ENOUGH:
                break
        cycles, reads = _timed(self.config, program)
        share = images * len(program) / self.x.images
        first_sums = self._sums_cycles if images < self.x.images else 0.0  # are not read
        return cycles / share + READ * (reads / share - first_sums)


def _timed(config: SatConfig, program: Program) -> tuple[float, float]:
    """Cycles of a program, and those in which it reads, by the cycle model; where that cannot be
    built estimated."""
    descriptors = [command.descriptor for command in program]
    key = config, model.alike(config, descriptors)
    if key not in _known:
        beat = config.data_w // 8
        try:
            made = model.run(config, descriptors)
            _known[key] = made.cycles, made.counters["BYTES_READ"] / beat
        except native.BuildError:
            return (sum(command.estimate for command in program),
                    sum(moved_bytes(config, command)[0] for command in program) / beat)
    return _known[key]
