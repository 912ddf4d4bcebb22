# SPDX-License-Identifier: Apache-2.0
from tb.common.runner import run


def test_sat_store_mux():
    run("sat_store_mux")
