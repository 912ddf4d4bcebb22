# SPDX-License-Identifier: Apache-2.0
"""The golden MATMUL is fast enough to train with."""

import numpy as np
import pytest

from sat_golden.benchmark import measure

LEAST_MACS_PER_SECOND = 400e6


@pytest.mark.parametrize("n, m", [(8, 8), (2, 8)])
def test_matmul_is_fast(n, m):
    result = measure(n, m, size=512, rng=np.random.default_rng(1))
    assert result["macs"] == 512**3 * n // m
    assert result["macs_per_second"] >= LEAST_MACS_PER_SECOND
