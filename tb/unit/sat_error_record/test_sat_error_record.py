# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("addr_w", [40, 36])
def test_sat_error_record(addr_w):
    run("sat_error_record", parameters={"ADDR_W": addr_w})
