# SPDX-License-Identifier: Apache-2.0
"""pytest side of the UVM tests of the top level (docs/verification/verification.md).

Each test runs once on the smallest array, and the random ones on a larger one, which is slow;
regressions run them with many seeds on every configuration.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sat.config import SatConfig
from tb.common.runner import run
from tb.uvm.sat_uvm_tests import TESTS

WRAPPER = Path(__file__).parent / "hdl" / "sat_uvm_top.v"

pytestmark = pytest.mark.uvm


def run_uvm(tests: str, shape: str) -> None:
    """The test classes that match a regular expression, on one array shape."""
    run("sat_uvm_top", parameters=SatConfig.from_name(shape).parameters(), sources=[WRAPPER],
        tests="tb.uvm.sat_uvm_tests", testcase=rf"\b{tests}$", extra_env={"SHAPE": shape})


@pytest.mark.parametrize("test", [test.__name__ for test in TESTS])
def test_uvm(test):
    run_uvm(test, "2x2")


@pytest.mark.slow
@pytest.mark.parametrize("test", ["SatSmokeTest", "SatRandomTest"])
def test_uvm_larger_array(test):
    run_uvm(test, "4x8")


def test_checkers_fire():
    """All negative tests."""
    run_uvm("Neg[A-Za-z]+Test", "2x2")
