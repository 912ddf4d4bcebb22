# SPDX-License-Identifier: Apache-2.0
from tb.common.runner import run


def test_sat_random():
    run("sat_random")
