# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.parametrize("lanes, groups", [(2, 4), (4, 16), (8, 16)])
def test_sat_column_sums(lanes, groups):
    run("sat_column_sums", parameters={"LANES": lanes, "GROUPS": groups})
