# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("limit_w", [6, 32])
def test_sat_watchdog(limit_w):
    run("sat_watchdog", parameters={"LIMIT_W": limit_w})
