# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("lanes", [2, 4])
def test_sat_pack(lanes):
    run("sat_pack", parameters={"LANES": lanes})
