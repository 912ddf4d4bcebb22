# SPDX-License-Identifier: Apache-2.0
from tb.common.runner import run


def test_sat_weight_store():
    run("sat_weight_store")
