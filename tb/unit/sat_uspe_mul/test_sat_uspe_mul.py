# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from tb.common.runner import run


def test_sat_uspe_mul():
    run("sat_uspe_mul", toplevel="uspe_mul_lanes",
        sources=[Path(__file__).parent / "uspe_mul_lanes.v"])
