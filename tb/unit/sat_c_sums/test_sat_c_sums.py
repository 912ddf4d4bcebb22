# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("lanes, groups, data_w", [(2, 4, 128), (4, 32, 128), (2, 8, 256),
                                                   (16, 8, 512)])
def test_sat_c_sums(lanes, groups, data_w):
    run("sat_c_sums", parameters={"LANES": lanes, "GROUPS": groups, "DATA_W": data_w})
