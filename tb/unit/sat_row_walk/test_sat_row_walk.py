# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("rows, cols, data_w", [(2, 2, 128), (4, 8, 512), (64, 16, 256)])
def test_sat_row_walk(rows, cols, data_w):
    run("sat_row_walk", parameters={"ROWS": rows, "COLS": cols, "DATA_W": data_w})
