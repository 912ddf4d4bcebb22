# SPDX-License-Identifier: Apache-2.0
import shutil

import pytest

from sat.config import SatConfig
from sat.toolchain import ROOT
from tb.common.runner import run


@pytest.mark.slow  # the UVM environment and the fast simulation do the same and more
@pytest.mark.parametrize("shape", ["2x2", "4x4"])
def test_sat_top(shape):
    run("sat_top", parameters=SatConfig.from_name(shape).parameters(),
        tests="tb.top.sat_top_tests", extra_env={"SHAPE": shape})


def run_in_four_states(**options):
    if shutil.which("iverilog") is None:
        pytest.skip("no iverilog: four-state simulation is not checked")
    run("sat_top", parameters=SatConfig.from_name("2x2").parameters(), sim="icarus",
        tests="tb.top.sat_top_tests", extra_env={"SHAPE": "2x2"}, **options)


def test_nothing_unknown_leaves_the_core():
    """In four-state simulation: memory model, register master and `watch_outputs` refuse X."""
    run_in_four_states(testcase="test_(identity|smoke)$")


@pytest.mark.parametrize("module,right,wrong", [
    ("sat_wr_dma", "& {8{strb[g]}}", ""),
    ("sat_regs", "assign irq_o = ", "assign irq_o = 1'bx && "),
])
def test_something_unknown_is_noticed(tmp_path, module, right, wrong):
    source, = ROOT.glob(f"rtl/*/{module}.v")
    text = source.read_text(encoding="utf-8")
    assert text.count(right) == 1
    planted = tmp_path / source.name
    planted.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(AssertionError, match="failed: test_smoke"):
        run_in_four_states(testcase="test_smoke$", sources=[planted], runs=tmp_path)
