# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
def test_sat_counters():
    """Few bits in the low word's carry path: wide increments reach the high word quickly."""
    run("sat_counters", parameters={"COUNTERS": 3, "COUNT_W": 48, "INC_W": 31})
