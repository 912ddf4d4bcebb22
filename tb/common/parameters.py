# SPDX-License-Identifier: Apache-2.0
"""Parameters of the module under test, as the simulator elaborated them."""

from __future__ import annotations

from sat.plan import Array


def parameters(dut, *names: str) -> tuple[int, ...]:
    """Values of the named parameters, in this order."""
    return tuple(int(getattr(dut, name).value) for name in names)


def array_of(dut, *names: str, **others: int) -> Array:
    """The array that the named parameters, and others of `Array`, describe."""
    values = {name.lower(): value for name, value in zip(names, parameters(dut, *names))}
    return Array(**values, **others)
