# SPDX-License-Identifier: Apache-2.0
"""pytest side of the block environments."""

from __future__ import annotations

import pytest

from sat.toolchain import ROOT
from tb.common.runner import run

pytestmark = pytest.mark.uvm

WUVE_BENCH = ROOT / "tb" / "unit" / "sat_wuve" / "sat_wuve_bench.v"


def test_sore_environment():
    run("sat_sore", tests="tb.uvm.blocks.sore.sore_block_tests")


def test_wuve_environment():
    run("sat_wuve_bench", sources=[WUVE_BENCH], tests="tb.uvm.blocks.wuve.wuve_block_tests")


@pytest.mark.parametrize("rows, cols, t", [(2, 2, 4), (4, 8, 8)])
def test_array_environment(rows, cols, t):
    run("sat_array", parameters={"ROWS": rows, "COLS": cols, "T": t},
        tests="tb.uvm.blocks.array.array_block_tests")
