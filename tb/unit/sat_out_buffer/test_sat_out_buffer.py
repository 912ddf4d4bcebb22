# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("rows, cols, t", [(2, 2, 4), (4, 8, 16)])
def test_sat_out_buffer(rows, cols, t):
    run("sat_out_buffer", parameters={"ROWS": rows, "COLS": cols, "T": t})
