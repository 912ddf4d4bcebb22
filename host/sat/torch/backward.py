# SPDX-License-Identifier: Apache-2.0
"""The gradient of a value: the sum over its uses, in as few commands as there are.

The uses come later in the graph, so their gradients are complete. What the array makes, it adds to
what is there, and a ReLU's mask goes with the last; a sum of others is the vector engine's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from sat_golden.windows import Windows

from ..core import Core
from ..memory import FeatureMap, Memory, Tensor
from ..nn import AveragePool, Script
from ..program import Program
from .values import (
    Contribution,
    FromHost,
    Plain,
    Through,
    Value,
    WithEpilogue,
    epilogue,
    write_map,
)


class Backward:
    """Adds commands to a script that make gradients. Vectors and identities that these need are
    made once for each width."""

    def __init__(self, core: Core, temporaries: Memory):
        self.core, self.temporaries = core, temporaries
        self._rows: dict[tuple[float, int], Tensor] = {}
        self._maps: dict[tuple[Value, int], FeatureMap] = {}
        self._identities: dict[tuple[int, int, int, int], AveragePool] = {}

    def row(self, value: float, cols: int) -> Tensor:
        """FP32 [1][cols], all of one value."""
        if (value, cols) not in self._rows:
            self._rows[value, cols] = self.core.from_array(
                f"all {value:g}", np.full((1, cols), value, np.float32))
        return self._rows[value, cols]

    def add(self, program: Program, x: FeatureMap, y: FeatureMap | None, out: FeatureMap,
            label: str, relu: bool = False) -> None:
        """out = x + y, then ReLU; without y a copy."""
        one, zero = self.row(1.0, x.channels), self.row(0.0, x.channels)
        program.affine(x.tensor, out.tensor, one, zero, y=y.tensor if y else None,
                       beta=one if y else None, relu=relu, label=label)

    def masked(self, program: Program, x: FeatureMap, out: FeatureMap, mask: Tensor,
               residual: Tensor | None) -> None:
        """out = x + residual where the mask is positive: x times the identity, on the array."""
        key = x.shape
        if key not in self._identities:
            windows = Windows.sliding(x.images, x.h, x.w, 1, 1)
            self._identities[key] = AveragePool(self.core, "mask", windows, x.channels)
        self._identities[key].backward(program, x, out, **epilogue(residual, mask))

    def _own(self, value: Value, number: int = 0) -> FeatureMap:
        """The value's maps for gradients: the first for the sum, others for addends."""
        if (value, number) not in self._maps:
            self._maps[value, number] = value.new_map(self.temporaries, f"grad{number or ''}")
        return self._maps[value, number]

    def finish(self, script: Script, value: Value, uses: Sequence[Contribution]) -> None:
        """Add what makes `value.grad`, the sum of the uses' contributions."""
        mask = value.map.tensor if value.node.relu else None
        from_host = [use for use in uses if isinstance(use, FromHost)]
        there = [use.fmap() for use in uses if isinstance(use, Through)]
        plain = [use for use in uses if isinstance(use, Plain)]
        array = [use for use in uses if isinstance(use, WithEpilogue)]
        if not (from_host or plain or array or mask) and len(there) == 1:
            value.grad = there[0]
            return
        own = self._own(value)
        value.grad = own
        total: FeatureMap | None = None
        if from_host:
            alone = not (there or plain or array)
            masks = alone and mask is not None
            script.host(partial(_write_sum, value, own, from_host, masks),
                        value.read_tensors if masks else [], [own.tensor])
            total, mask = own, None if alone else mask
        for number, use in enumerate(plain, 1):
            direct = total is None and (array or there or not mask)
            target = own if direct else self._own(value, number)
            use.add(script.program, target)
            if direct:
                total = own
            else:
                there.append(target)
        for number, command in enumerate(array, 1):
            before = total or (there.pop() if there else None)
            last = number == len(array) and not there
            command.add(script.program, own, **epilogue(before.tensor if before else None,
                                                        mask if last else None))
            total, mask = own, None if last else mask
        while there:
            addend = there.pop()
            if mask and not there:
                self.masked(script.program, addend, own, mask, total.tensor if total else None)
                total, mask = own, None
            elif total is None:
                total = addend
            else:
                self.add(script.program, total, addend, own, f"BP {value.name}")
                total = own


def _write_sum(value: Value, out: FeatureMap, uses: Sequence[FromHost], masks: bool) -> None:
    total = sum((use.value() for use in uses[1:]), uses[0].value())
    if masks:
        positive = value.read() > 0
        total = torch.where(positive, total, torch.zeros_like(total))
    write_map(out, total)
