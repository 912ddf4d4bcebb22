# SPDX-License-Identifier: Apache-2.0
"""Checks of what a caller passes. An error begins with the argument's name."""

from __future__ import annotations

import operator
from typing import SupportsIndex

import numpy as np

from .fp_mode import exact


def integer(name: str, value: SupportsIndex, least: int, most: int) -> int:
    """The argument (numpy's integers too); TypeError or ValueError unless it is one in range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: {value!r} is not an integer") from None
    if not least <= number <= most:
        raise ValueError(f"{name}: {number} is not in {least}..{most}")
    return number


def check_matrix(name: str, array: np.ndarray) -> np.ndarray:
    """The argument; ValueError unless it is a matrix with elements."""
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name}: non-empty matrix expected, not shape {array.shape}")
    return array


def check_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """ValueError unless it has the shape."""
    if array.shape != shape:
        raise ValueError(f"{name}: shape {shape} expected, not {array.shape}")


@exact()
def fp32(value: float, name: str = "value") -> int:
    """A Python number as an FP32 pattern. ValueError, with its name, if it is not finite as such,
    or is zero only as such; TypeError if it is no number."""
    try:
        number = float(value)
    except OverflowError:  # of an int
        number = np.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name}: {value!r} is no number") from None
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.float32(number)
    if not np.isfinite(rounded):
        raise ValueError(f"{name}: {value} is not a finite number in FP32")
    if rounded == 0 and number != 0:
        raise ValueError(f"{name}: {value} is zero in FP32")
    return int(rounded.view(np.uint32))
