# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("cycles", [0, 1, 2, 7])
def test_sat_delay(cycles):
    run("sat_delay", parameters={"WIDTH": 5, "CYCLES": cycles},
        extra_env={"SAT_CYCLES": str(cycles)})
