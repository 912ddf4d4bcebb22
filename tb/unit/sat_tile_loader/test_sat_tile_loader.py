# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("data_w", [
    512, *(pytest.param(data_w, marks=pytest.mark.slow) for data_w in (128, 256))])
def test_sat_tile_loader(data_w):
    run("sat_tile_loader", parameters={"DATA_W": data_w})
