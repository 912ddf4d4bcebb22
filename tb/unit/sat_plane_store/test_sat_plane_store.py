# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("data_w, emit", [(128, 1), (256, 2), (512, 4)])
@pytest.mark.parametrize("bp", [0, 1])
def test_sat_plane_store(bp, data_w, emit):
    run("sat_plane_store", parameters={"BP": bp, "DATA_W": data_w, "EMIT": emit})
