# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("rows, cols, t", [(2, 2, 4), (4, 8, 8), (8, 2, 4), (2, 4, 16)])
def test_sat_array(rows, cols, t):
    run("sat_array", parameters={"ROWS": rows, "COLS": cols, "T": t})
