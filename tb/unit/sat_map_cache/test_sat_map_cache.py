# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("lines, data_w", [
    (16, 256),
    *(pytest.param(*size, marks=pytest.mark.slow) for size in ((16, 128), (64, 128), (64, 512)))])
def test_sat_map_cache(lines, data_w):
    run("sat_map_cache", parameters={"CACHE_LINES": lines, "ADDR_W": 40, "DATA_W": data_w})
