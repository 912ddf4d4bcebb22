# SPDX-License-Identifier: Apache-2.0
"""Random numbers of a bench: one seed per cocotb test, and a named stream for each purpose.

A named stream does not depend on which other streams exist, so that adding one to a bench leaves
the others' numbers as they were.
"""

from __future__ import annotations

import zlib

import cocotb
import numpy as np


def make_rng(name: str = "", seed: int | None = None) -> np.random.Generator:
    """Generator of the stream `name`, from the running test's seed or from `seed`."""
    base = cocotb.RANDOM_SEED if seed is None else seed
    return np.random.default_rng([base & 0xFFFF_FFFF, zlib.crc32(name.encode())])
