# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
def test_sat_lutram():
    run("sat_lutram", parameters={"WIDTH": 16, "DEPTH": 8})
