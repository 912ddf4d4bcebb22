# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("data_w", [128, 512, pytest.param(256, marks=pytest.mark.slow)])
def test_sat_tile_loader(data_w):
    run("sat_tile_loader", parameters={"DATA_W": data_w})
