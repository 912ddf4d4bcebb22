# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("rows, cols, t, data_w", [
    (2, 2, 4, 128), (2, 4, 8, 256), (2, 32, 4, 512),
    pytest.param(4, 16, 8, 128, marks=pytest.mark.slow)])
def test_sat_c_store(rows, cols, t, data_w):
    run("sat_c_store", parameters={"ROWS": rows, "COLS": cols, "T": t, "DATA_W": data_w,
                                   "LANES": min(cols, data_w // 32)})
