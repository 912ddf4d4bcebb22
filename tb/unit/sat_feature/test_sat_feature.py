# SPDX-License-Identifier: Apache-2.0
from tb.common.runner import run


def test_sat_feature():
    run("sat_feature", toplevel="sat_vector")
