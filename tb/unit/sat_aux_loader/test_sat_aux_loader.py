# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("rows, cols, t, data_w",
                         [(2, 2, 4, 128), (4, 16, 16, 128), (2, 8, 8, 512)])
def test_sat_aux_loader(rows, cols, t, data_w):
    run("sat_aux_loader", parameters={"ROWS": rows, "COLS": cols, "T": t, "DATA_W": data_w})
