# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("depth", [16, 256])
def test_sat_a_bank(depth):
    run("sat_a_bank", parameters={"A_DEPTH": depth})
