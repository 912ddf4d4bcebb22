# SPDX-License-Identifier: Apache-2.0
"""Parameters of the module under test, as the simulator elaborated them."""

from __future__ import annotations


def parameters(dut, *names: str) -> tuple[int, ...]:
    """Values of the named parameters, in this order."""
    return tuple(int(getattr(dut, name).value) for name in names)
