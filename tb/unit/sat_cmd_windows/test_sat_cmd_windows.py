# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
def test_sat_cmd_windows():
    run("sat_cmd_windows")
