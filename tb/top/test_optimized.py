# SPDX-License-Identifier: Apache-2.0
"""Planted faults are found where Python drops assert statements (-O, PYTHONOPTIMIZE): on the fast
boards, in the runs of a regression, in benches and in UVM tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sat.toolchain import ROOT

ENV = {**os.environ, "PYTHONOPTIMIZE": "1"}
# As if the core's overflow flag were tied low.
NO_OVERFLOW = """
from dataclasses import replace
from sat.regs import Status
from tb.top.board import Board

assert False, "never: this is optimised"
ending = Board.ending
Board.ending = lambda core: replace(end := ending(core), status=end.status & ~Status.OVERFLOW)
"""


def optimized(*args: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-O", *map(str, args)], cwd=ROOT, env=ENV,
                          capture_output=True, text=True)


def optimized_tests(path: Path, text: str) -> str:
    """What pytest says about tests, all of which must fail."""
    path.write_text(text, encoding="utf-8")
    result = optimized("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", ROOT / "setup.cfg",
                       "--rootdir", ROOT, path)
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout + result.stderr
    assert " passed" not in result.stdout.splitlines()[-1], result.stdout
    return result.stdout


def test_fault_fails_on_the_fast_board(tmp_path):
    (tmp_path / "planted.py").write_text(NO_OVERFLOW, encoding="utf-8")
    output = optimized_tests(tmp_path / "test_planted.py", f"""
import runpy
from tb.top import test_random_programs

runpy.run_path({str(tmp_path / "planted.py")!r})  # pytest rewrites asserts of a test

def test_matmuls():
    test_random_programs.test_matmuls("2x2", 0)
""")
    assert "AssertionError: overflow flag False" in output and "replay: " in output


def test_fault_fails_in_a_regression(tmp_path):
    result = optimized("-c", NO_OVERFLOW + f"""
from tb.regress.batch import FastRuns
from tb.regress.plan import Batch
from tb.regress.spec import load_tests

batch = Batch(load_tests()["matmul"], "2x2", tuple(range(1, 21)), {str(tmp_path)!r})
runs = FastRuns(batch)
for seed in batch.seeds:
    print(runs.run(seed).message)
""")
    assert "AssertionError: overflow flag False" in result.stdout, result.stderr


@pytest.mark.uvm
def test_fault_fails_in_simulations(tmp_path):
    """A FIFO that forgets to say it is full, and a SORE that gives wrong positions."""
    for module, right, wrong in (
            ("sat_fifo", "in_ready_o  = !full_q", "in_ready_o  = 1'b1"),
            ("sat_sore", "= position & {EMIT", "= ~position & {EMIT")):
        source, = ROOT.glob(f"rtl/*/{module}.v")
        text = source.read_text(encoding="utf-8")
        assert text.count(right) == 1
        (tmp_path / source.name).write_text(text.replace(right, wrong), encoding="utf-8")
    output = optimized_tests(tmp_path / "test_planted.py", f"""
from pathlib import Path
from tb.common.runner import run

HERE = Path({str(tmp_path)!r})

def test_bench():
    run("sat_fifo", parameters={{"WIDTH": 16, "DEPTH": 8}}, sources=[HERE / "sat_fifo.v"],
        runs=HERE)

def test_uvm():
    run("sat_sore", tests="tb.uvm.blocks.sore.sore_block_tests", sources=[HERE / "sat_sore.v"],
        runs=HERE)
""")
    assert "failed: test_random_traffic_keeps_order" in output
    assert "failed: SoreRandomTest" in output


def test_dropping_every_assert_is_refused():
    result = optimized("-m", "pytest", "--assert=plain", "--collect-only", "scripts/tests")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "python -O with --assert=plain checks nothing" in result.stderr
