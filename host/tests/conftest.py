# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a core on the golden model."""

import numpy as np
import pytest

from sat import Core, GoldenBackend

MEMORY_BYTES = 4 << 20


@pytest.fixture
def core() -> Core:
    return Core(GoldenBackend(memory_size=MEMORY_BYTES))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)
