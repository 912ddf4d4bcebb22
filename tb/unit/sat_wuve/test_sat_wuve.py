# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from tb.common.runner import run

BENCH = Path(__file__).parent / "sat_wuve_bench.v"


def test_sat_wuve():
    run("sat_wuve", toplevel="sat_wuve_bench", sources=[BENCH])
