# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("data_w", [128, 256, 512])
def test_sat_weight_round(data_w):
    run("sat_weight_round", parameters={"DATA_W": data_w})
