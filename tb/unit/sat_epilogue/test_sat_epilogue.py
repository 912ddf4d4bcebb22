# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("lanes", [2, 4])
def test_sat_epilogue(lanes):
    run("sat_epilogue", parameters={"LANES": lanes})
