# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("a_depth, chunk_k", [
    (64, 16), pytest.param(512, 256, marks=pytest.mark.slow)])
def test_sat_feeder_position(a_depth, chunk_k):
    run("sat_feeder_position", parameters={"A_DEPTH": a_depth, "CHUNK_K": chunk_k})
