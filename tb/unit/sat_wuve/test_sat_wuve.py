# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tb.common.runner import run

BENCH = Path(__file__).parent / "sat_wuve_bench.v"


@pytest.mark.parametrize("data_w", [128, 256, 512])
def test_sat_wuve(data_w):
    run("sat_wuve", toplevel="sat_wuve_bench", parameters={"DATA_W": data_w}, sources=[BENCH])
