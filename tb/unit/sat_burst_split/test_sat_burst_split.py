# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("window", [2, 64, 256])
def test_sat_burst_split(window):
    run("sat_burst_split", parameters={"WINDOW": window})
