# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_sat_half_tile(lanes):
    run("sat_half_tile", parameters={"LANES": lanes})
