# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest

from sat.config import SatConfig
from tb.common.runner import run


@pytest.mark.parametrize("shape", ["2x2", "4x4"])
def test_sat_top(shape):
    run("sat_top", parameters=SatConfig.from_name(shape).parameters(),
        tests="tb.top.sat_top_tests", extra_env={"SHAPE": shape})


def test_nothing_unknown_leaves_the_core():
    """In four-state simulation: memory model, register master and `watch_outputs` refuse X."""
    if shutil.which("iverilog") is None:
        pytest.skip("no iverilog: four-state simulation is not checked")
    run("sat_top", parameters=SatConfig.from_name("2x2").parameters(), sim="icarus",
        tests="tb.top.sat_top_tests", testcase="test_(identity|smoke)$",
        extra_env={"SHAPE": "2x2"})
