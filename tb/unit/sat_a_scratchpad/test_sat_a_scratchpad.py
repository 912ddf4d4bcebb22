# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("rows, depth", [(2, 64), pytest.param(16, 32, marks=pytest.mark.slow)])
def test_sat_a_scratchpad(rows, depth):
    run("sat_a_scratchpad", parameters={"ROWS": rows, "A_DEPTH": depth})
