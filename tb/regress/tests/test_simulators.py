# SPDX-License-Identifier: Apache-2.0
"""Simulators with coverage and with waves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sat.toolchain import compiler, flags, libraries, verilator_root
from tb.regress import worker
from tb.regress.coverage import gather
from tb.regress.instrument import INCLUDE
from tb.regress.plan import CODE_COVERAGE, Batch
from tb.regress.spec import load_tests


def test_toggles_are_counted_once_and_only_where_they_are(tmp_path):
    include = verilator_root() / "include"
    program = tmp_path / "toggles"
    subprocess.run([*compiler(), *flags("CPPFLAGS", "CXXFLAGS"), "-std=c++20", "-O2", "-iquote",
                    INCLUDE, f"-I{include}", f"-I{include / 'vltstd'}", "-DVM_COVERAGE=1", "-c",
                    Path(__file__).with_name("toggles.cpp"), "-o", f"{program}.o"], check=True)
    subprocess.run([*compiler(), f"{program}.o", *libraries(), *flags("LDFLAGS"),
                    "-Wl,--unresolved-symbols=ignore-all", "-o", program], check=True)
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert lines.split("\n")[:-1] == [
        "narrow[1] falls 1", "narrow[19] rises 1", "twice[0] falls 1", "twice[39] rises 1",
        "wide[0] falls 1", "wide[63] rises 1", "wide[64] rises 1"]


@pytest.mark.slow
def test_fast_simulation_measures_coverage(tmp_path):
    batch = Batch(load_tests()["mixed"], "2x2", (1, 2), str(tmp_path / "b"), coverage=True)
    assert all(result.passed for result in worker.run_batch(batch))
    figures = gather("2x2", [tmp_path / "b" / CODE_COVERAGE], [], []).figures()
    for metric, least in (("line", 80), ("branch", 80), ("toggle", 50), ("expr", 70)):
        assert least < figures[metric].percent < 100, metric


@pytest.mark.slow
def test_fast_simulation_leaves_waves(tmp_path):
    batch = Batch(load_tests()["mutants"], "2x2", (1,), str(tmp_path / "b"), waves=True)
    result, = worker.run_batch(batch)
    assert result.passed
    with open(result.waves, encoding="utf-8") as trace:
        head = trace.read(200_000)
    assert "m_axi_araddr" in head and "$timescale" in head
