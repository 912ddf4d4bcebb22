# SPDX-License-Identifier: Apache-2.0
import pytest

from sat.config import SatConfig
from tb.common.runner import run


@pytest.mark.parametrize("shape", ["2x2", "4x4"])
def test_sat_top(shape):
    run("sat_top", parameters=SatConfig.from_name(shape).parameters(),
        tests="tb.top.sat_top_tests", extra_env={"SHAPE": shape})
