# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("ports, data_fifo, outstanding", [(2, 64, 16), (3, 32, 2)])
def test_sat_wr_dma(ports, data_fifo, outstanding):
    run("sat_wr_dma", parameters={"PORTS": ports, "DATA_FIFO": data_fifo,
                                  "OUTSTANDING": outstanding})
