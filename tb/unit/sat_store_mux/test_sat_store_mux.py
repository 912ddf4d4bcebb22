# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("data_w", [128, 256, 512])
def test_sat_store_mux(data_w):
    run("sat_store_mux", parameters={"DATA_W": data_w})
