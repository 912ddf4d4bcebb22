# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("rows, cols", [(2, 2), (4, 8), (64, 16)])
def test_sat_row_walk(rows, cols):
    run("sat_row_walk", parameters={"ROWS": rows, "COLS": cols})
