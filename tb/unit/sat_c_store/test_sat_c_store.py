# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("rows, cols, t", [(2, 2, 4), (4, 16, 8)])
def test_sat_c_store(rows, cols, t):
    run("sat_c_store", parameters={"ROWS": rows, "COLS": cols, "T": t, "LANES": min(cols, 4)})
