# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("width, depth, lanes", [(16, 8, 1), (36, 16, 4)])
def test_sat_ram_1rw(width, depth, lanes):
    run("sat_ram_1rw", parameters={"WIDTH": width, "DEPTH": depth, "WE_LANES": lanes})
