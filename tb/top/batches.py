# SPDX-License-Identifier: Apache-2.0
"""Which batches of random programs every run of the tests has, and which are left to slow ones."""

from __future__ import annotations

import pytest

SHAPES = ("2x2", "4x4-256", "4x8-512", "8x8", "4x8")
RARE = ("4x8",)  # the last of them: its array and its bus are others', too


def batches(total: int, size: int, often: int | None = None):
    """The parameter `batch`: of `total` programs, of which those behind the first `often` are
    slow."""
    first = total if often is None else often
    return pytest.mark.parametrize("batch", [
        pytest.param(batch, marks=[pytest.mark.slow] * (batch * size >= first))
        for batch in range(total // size)])


def batches_on_shapes(total: int, size: int, rare: tuple[str, ...] = RARE):
    """The parameters `shape` and `batch`: each batch runs on one shape, the next one on another;
    on the others, and on rare shapes, it is slow."""
    common = len(SHAPES) - len(RARE)
    return pytest.mark.parametrize("shape, batch", [
        pytest.param(shape, batch, marks=[pytest.mark.slow] * (
            shape in rare or (place + batch) % common != 0))
        for place, shape in enumerate(SHAPES) for batch in range(total // size)])
