# SPDX-License-Identifier: Apache-2.0
"""Plan, tests and cover points belong together. No simulator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sat.config import SatConfig
from tb.uvm import testplan

pytestmark = [pytest.mark.quick, pytest.mark.uvm]

NAMES = testplan.existing_tests()
POINTS = testplan.existing_points(SatConfig.from_name("2x2"))


def test_plan_names_what_exists():
    assert testplan.problems(testplan.load(), NAMES, POINTS) == []


def test_points_are_those_of_every_configuration():
    for shape in SatConfig.names():
        assert testplan.existing_points(SatConfig.from_name(shape)) == POINTS


def test_checker_finds_what_is_wrong():
    plan = testplan.load()
    first = plan[0]
    cases = {
        "test SatNoTest is planned and does not exist":
            ([*plan, replace(first, name="x", tests=("SatNoTest",))], NAMES, POINTS),
        "test SatNewTest exists and is not planned": (plan, [*NAMES, "SatNewTest"], POINTS),
        "cover point cp_no is planned and does not exist":
            ([*plan, replace(first, name="x", cover=("cp_no",))], NAMES, POINTS),
        "cover point cp_new exists and is not planned": (plan, NAMES, [*POINTS, "cp_new"]),
        f"{first.name} is there twice": ([*plan, first], NAMES, POINTS),
        "x: no test": ([*plan, replace(first, name="x", tests=())], NAMES, POINTS),
        "x: stage V9": ([*plan, replace(first, name="x", stage="V9")], NAMES, POINTS),
    }
    for problem, case in cases.items():
        assert testplan.problems(*case) == [problem]
