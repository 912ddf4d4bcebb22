# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("data_w", [128, 512, pytest.param(256, marks=pytest.mark.slow)])
def test_sat_vector(data_w):
    run("sat_vector", parameters={"DATA_W": data_w})
