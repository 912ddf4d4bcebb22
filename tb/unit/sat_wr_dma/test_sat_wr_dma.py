# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("ports, data_fifo, outstanding, data_w", [
    (2, 64, 16, 128), (2, 64, 32, 512), pytest.param(3, 32, 2, 128, marks=pytest.mark.slow)])
def test_sat_wr_dma(ports, data_fifo, outstanding, data_w):
    run("sat_wr_dma", parameters={"PORTS": ports, "DATA_FIFO": data_fifo,
                                  "OUTSTANDING": outstanding, "DATA_W": data_w},
        extra_env={"DATA_W": str(data_w)})
