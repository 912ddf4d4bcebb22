# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("cols, depth", [(2, 64), (16, 16)])
def test_sat_s_scratchpad(cols, depth):
    run("sat_s_scratchpad", parameters={"COLS": cols, "S_DEPTH": depth})
