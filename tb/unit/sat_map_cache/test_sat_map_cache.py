# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("lines", [16, 64])
def test_sat_map_cache(lines):
    run("sat_map_cache", parameters={"CACHE_LINES": lines, "ADDR_W": 40, "DATA_W": 128})
