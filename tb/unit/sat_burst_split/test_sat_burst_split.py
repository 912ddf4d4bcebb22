# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("window", [2, 64, 256])
def test_sat_burst_split(window, late):
    run("sat_burst_split", parameters={"WINDOW": window, "LATE": late})
