# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("bp", [0, 1])
def test_sat_plane_store(bp):
    run("sat_plane_store", parameters={"BP": bp})
