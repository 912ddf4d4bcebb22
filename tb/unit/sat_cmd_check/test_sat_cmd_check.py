# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("addr_w", [40, 36])
def test_sat_cmd_check(addr_w):
    run("sat_cmd_check", parameters={"ADDR_W": addr_w})
