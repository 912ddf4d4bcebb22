# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
def test_sat_counters():
    """Wide increments reach the highest bits quickly."""
    run("sat_counters", parameters={"COUNTERS": 11, "COUNT_W": 48, "INC_W": 40})
