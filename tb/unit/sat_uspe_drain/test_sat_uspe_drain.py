# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("t", [4, 8, 16])
def test_sat_uspe_drain(t):
    run("sat_uspe_drain", parameters={"T": t})
