# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("cols, t, lanes, data_w",
                         [(2, 8, 2, 128), (8, 8, 4, 128), (4, 8, 4, 512), (32, 4, 16, 512)])
def test_sat_bias_loader(cols, t, lanes, data_w):
    run("sat_bias_loader", parameters={"COLS": cols, "T": t, "LANES_OUT": lanes,
                                       "DATA_W": data_w})
