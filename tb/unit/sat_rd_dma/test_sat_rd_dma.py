# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("ports, outstanding, data_w", [
    (8, 32, 128), (8, 64, 512), pytest.param(3, 4, 128, marks=pytest.mark.slow)])
def test_sat_rd_dma(ports, outstanding, data_w):
    run("sat_rd_dma", parameters={"PORTS": ports, "OUTSTANDING": outstanding, "DATA_W": data_w},
        extra_env={"DATA_W": str(data_w)})
