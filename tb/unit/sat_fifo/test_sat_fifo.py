# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("depth", [2, 8])
def test_sat_fifo(depth):
    run("sat_fifo", parameters={"WIDTH": 16, "DEPTH": depth})
