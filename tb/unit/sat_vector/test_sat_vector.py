# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("data_w", [
    128, *(pytest.param(data_w, marks=pytest.mark.slow) for data_w in (256, 512))])
def test_sat_vector(data_w):
    run("sat_vector", parameters={"DATA_W": data_w})
