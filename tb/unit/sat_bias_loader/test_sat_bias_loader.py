# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("cols, t, lanes", [(2, 8, 2), (8, 8, 4)])
def test_sat_bias_loader(cols, t, lanes):
    run("sat_bias_loader", parameters={"COLS": cols, "T": t, "LANES_OUT": lanes})
