# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("data_w", [128, 512])
def test_sat_desc_fetch(data_w):
    run("sat_desc_fetch", parameters={"DATA_W": data_w}, extra_env={"DATA_W": str(data_w)})
