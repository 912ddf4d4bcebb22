# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("rows, cols, t", [(2, 2, 4), (4, 16, 16)])
def test_sat_aux_loader(rows, cols, t):
    run("sat_aux_loader", parameters={"ROWS": rows, "COLS": cols, "T": t})
