# SPDX-License-Identifier: Apache-2.0
"""FP16 in the array's own format, as sat_fp16_widen makes it."""

from __future__ import annotations

from sat_golden import reference


def widen(half: int) -> int:
    """The golden function, except that a NaN keeps its sign, which the array ignores."""
    return half >> 15 << 16 | reference.fp16_widen(half & 0x7FFF)
