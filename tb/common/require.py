# SPDX-License-Identifier: Apache-2.0
"""What decides a verdict outside test modules. `assert` does not do there: Python drops it with -O,
except where pytest rewrites it (see REWRITTEN in tb/common/runner.py)."""

from __future__ import annotations


def require(condition: object, message: str, *values: object) -> None:
    """Raises AssertionError with `message % values` unless the condition holds."""
    if not condition:
        raise AssertionError(message % values if values else message)
