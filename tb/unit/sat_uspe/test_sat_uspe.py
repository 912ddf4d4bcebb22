# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("t", [4, 8, pytest.param(16, marks=pytest.mark.slow)])
def test_sat_uspe(t):
    run("sat_uspe", parameters={"T": t})
