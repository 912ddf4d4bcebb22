# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("addr_w", (32, 40))
def test_sat_pixel_addr(addr_w):
    run("sat_pixel_addr", parameters={"ADDR_W": addr_w})
