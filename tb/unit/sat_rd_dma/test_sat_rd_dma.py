# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("ports, outstanding", [(8, 32), (3, 4)])
def test_sat_rd_dma(ports, outstanding):
    run("sat_rd_dma", parameters={"PORTS": ports, "OUTSTANDING": outstanding})
