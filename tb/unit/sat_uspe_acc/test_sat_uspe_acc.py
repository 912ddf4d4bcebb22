# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tb.common.runner import run


@pytest.mark.parametrize("t", [
    8, *(pytest.param(t, marks=pytest.mark.slow) for t in (4, 16))])
def test_sat_uspe_acc(t):
    run("sat_uspe_acc", toplevel="uspe_acc_lanes", parameters={"T": t},
        sources=[Path(__file__).parent / "uspe_acc_lanes.v"])
