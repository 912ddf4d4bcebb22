# SPDX-License-Identifier: Apache-2.0
"""Builds with every compiler, and from a checkout that moved."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sat.sim.verilate import BuildError
from sat.toolchain import ROOT
from tb.common import runner
from tb.common.build import build

FOLDERS = ("golden", "host", "rtl", "spec", "tb")
MODULE = "sat_skid_buffer"  # a small one


@pytest.mark.parametrize("command", ["ccache g++", "clang++", "ccache clang++"])
def test_every_compiler_builds(command, monkeypatch):
    if not all(map(shutil.which, command.split())):
        pytest.skip(f"no {command}")
    monkeypatch.setenv("CXX", command)
    monkeypatch.setenv("CXXFLAGS", "-DSAT_ANYTHING='\"two words\"'")
    runner.run("sat_delay", parameters={"WIDTH": 5, "CYCLES": 1},
               tests="tb.unit.runner.runner_tests", testcase="test_passes")


def test_broken_flags_reach_the_compiler(monkeypatch):
    monkeypatch.setenv("CXXFLAGS", "-fno-such-flag")
    with pytest.raises(BuildError, match="no-such-flag"):
        build("verilator", "sat_delay", {"WIDTH": 5, "CYCLES": 1}, [])


def run_bench(checkout: Path) -> str:
    # Before the modules that are installed
    paths = [checkout, *(checkout / name for name in ("golden", "host", "lib"))]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider",
                           f"tb/unit/{MODULE}"], cwd=checkout, env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.slow
def test_checkout_that_moved_builds_anew(tmp_path):
    """With the environment in it: a simulator finds cocotb by an absolute path."""
    before, after = tmp_path / "before", tmp_path / "after"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, before / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "setup.cfg"):
        shutil.copy(ROOT / name, before)
    for name in ("cocotb", "cocotb_tools", "pygpi"):
        shutil.copytree(Path(find_spec(name).origin).parent, before / "lib" / name)
    assert "building" in run_bench(before)
    assert "building" not in run_bench(before)
    before.rename(after)
    assert "building" in run_bench(after)
