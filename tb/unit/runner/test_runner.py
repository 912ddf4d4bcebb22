# SPDX-License-Identifier: Apache-2.0
"""The runner fails when it has to, and says how to repeat it."""

import re

import pytest

from sat.sim.verilate import BuildError
from tb.common import runner
from tb.common.runner import cocotb_tests, judge

pytestmark = pytest.mark.quick
TESTS = "tb.unit.runner.runner_tests"
# Each of these would change which tests run, their seed, or whether they check anything.
HOSTILE = {
    "COCOTB_RANDOM_SEED": "99", "RANDOM_SEED": "99", "COCOTB_TEST_FILTER": "test_passes",
    "COCOTB_TESTCASE": "test_passes", "COCOTB_TEST_MODULES": "tb.unit.sat_fifo.sat_fifo_tests",
    "COCOTB_TOPLEVEL": "sat_fifo", "COCOTB_RESULTS_FILE": "/nowhere/results.xml",
    "COCOTB_REWRITE_ASSERTION_FILES": "", "COCOTB_LIST_TESTS": "1", "GPI_USERS": "/nowhere.so",
    "PYGPI_USERS": "sys:exit", "PYGPI_PYTHON_BIN": "/nowhere/python", "PYTHONOPTIMIZE": "1",
    "PYTHONHOME": "/nowhere", "PYTEST_ADDOPTS": "--assert=plain", "SIM_CMD_PREFIX": "true",
    "VERILATOR_ROOT": "/nowhere", "GUI": "1", "SAT_EXPECTED": "99",
}


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
    broken.write_text("module sat_broken (input wire clk;\nendmodule\n", encoding="utf-8")
    with pytest.raises(BuildError, match="build of sat_broken failed"):
        runner.run("sat_broken", sources=[broken], tests=TESTS)


def test_seed_reaches_the_test():
    run(testcase="test_seed", seed=5, extra_env={"SAT_EXPECTED": "5"})


def test_users_environment_changes_nothing(monkeypatch):
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    run(testcase="test_seed|test_passes", seed=5, extra_env={"SAT_EXPECTED": "5"})
    with pytest.raises(AssertionError, match=r"failed: test_fails\n"):
        run(seed=5, testcase="test_fails|test_passes", extra_env={"SAT_EXPECTED": "5"})


def test_asserts_of_tests_count_in_an_optimised_simulation(capsys):
    with pytest.raises(AssertionError, match=r"failed: test_fails\n"):
        run(testcase="test_fails", extra_env={"PYTHONOPTIMIZE": "1"})
    assert "on purpose, optimised 1" in capsys.readouterr().out


def test_exit_code_of_the_simulator_counts():
    with pytest.raises(AssertionError, match="the simulator failed: .* 1\n"):
        run(testcase="test_ends_badly")


# Results


def results(path, *cases: str, seed: int = 1, module: str = "bench"):
    """A file as cocotb writes it, of cases that passed."""
    body = "".join(
        f'<testcase classname="{module}" name="{name}"><properties><property name="random_seed" '
        f'value="{seed}" /></properties></testcase>' for name in cases)
    path.write_text(f"<testsuites><testsuite>{body}</testsuite></testsuites>", encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / runner.RESULTS


def test_all_tests_with_the_seed_are_good(file):
    assert judge(results(file, "a", "b"), ["bench.a", "bench.b"], 1).problem == ""


@pytest.mark.parametrize("cases, options, problem", [
    (["a"], {}, "1 tests ran of 2; missing: .'bench.b'.*"),
    (["a", "b", "b"], {}, "3 tests ran of 2; .* surplus: .'bench.b'."),
    ([], {}, "0 tests ran of 2.*"),
    (["a", "b"], {"seed": 99}, r"the simulation ran with seed \[99\], not 1"),
    (["a", "b"], {"module": "other"}, "2 tests ran of 2; missing: .*")])
def test_other_tests_or_seeds_are_a_problem(file, cases, options, problem):
    verdict = judge(results(file, *cases, **options), ["bench.a", "bench.b"], 1)
    assert re.fullmatch(problem, verdict.problem) and not verdict.failed


def test_skipped_test_has_not_run(file):
    results(file, "a", "b")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('name="b">', 'name="b"><skipped />'), encoding="utf-8")
    assert "missing: ['bench.b']" in judge(file, ["bench.a", "bench.b"], 1).problem


@pytest.mark.parametrize("size", [0, 1, 60, 150])
def test_truncated_results_are_a_problem(file, size):
    file.write_bytes(results(file, "a", "b").read_bytes()[:size])
    verdict = judge(file, ["bench.a", "bench.b"], 1)
    assert verdict.count == 0 and f"{file} is not complete" in verdict.problem


def test_tests_are_found_without_a_simulation():
    names = [f"{TESTS}.{name}" for name in ("test_passes", "test_fails", "test_ends_badly",
                                            "test_seed")]
    assert cocotb_tests(TESTS) == names
    assert cocotb_tests(TESTS, "_fails$") == [f"{TESTS}.test_fails"]
    assert len(cocotb_tests("tb.unit.sat_fifo.sat_fifo_tests")) == 10  # some are parametrized
    assert "tb.uvm.tests.sat_smoke_test.SatSmokeTest" in cocotb_tests("tb.uvm.sat_uvm_tests")
