# SPDX-License-Identifier: Apache-2.0
"""The runner fails when it has to, and says how to repeat it."""

import pytest

from tb.common import runner

pytestmark = pytest.mark.quick
TESTS = "tb.unit.runner.runner_tests"


def run(**options):
    runner.run("sat_delay", parameters={"WIDTH": 5, "CYCLES": 1}, tests=TESTS, **options)


@pytest.fixture(autouse=True)
def no_filter(monkeypatch):
    """These tests choose their own test cases and seeds."""
    for name in ("TESTCASE", "SEED"):
        monkeypatch.delenv(name, raising=False)


def test_passing_test_passes():
    run(testcase="test_passes")


def test_failure_gives_the_replay_line():
    with pytest.raises(AssertionError) as error:
        run(seed=77)
    line = str(error.value).split("replay: ")[1]
    assert line.startswith("make unit M=") and "test_failure_gives_the_replay_line" in line
    assert "T=" in line and "test_fails" in line and line.endswith("SEED=77")
    assert "test_passes" not in line


def test_zero_tests_fail():
    with pytest.raises(AssertionError, match="no test ran|without results"):
        run(testcase="test_that_does_not_exist")


def test_broken_module_fails(tmp_path):
    broken = tmp_path / "sat_broken.v"
    broken.write_text("module sat_broken (input wire clk;\nendmodule\n")
    with pytest.raises(AssertionError, match="build of sat_broken failed"):
        runner.run("sat_broken", sources=[broken], tests=TESTS)


def test_seed_reaches_the_test(monkeypatch):
    monkeypatch.setenv("SAT_EXPECTED", "5")
    run(testcase="test_seed", seed=5)
