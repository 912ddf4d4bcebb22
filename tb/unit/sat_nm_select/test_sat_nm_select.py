# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("m_max, key_w", [(2, 3), (4, 2), (8, 5), (16, 15)])
def test_sat_nm_select(m_max, key_w):
    run("sat_nm_select", parameters={"M_MAX": m_max, "KEY_W": key_w})
