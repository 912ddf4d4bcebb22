# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run

BUILDS = [
    {"ROWS": 2, "COLS": 4, "T": 4, "A_DEPTH": 32, "S_DEPTH": 64, "CHUNK_K": 32},
    {"ROWS": 8, "COLS": 8, "T": 8, "A_DEPTH": 64, "S_DEPTH": 128, "CHUNK_K": 16},
    {"ROWS": 4, "COLS": 16, "T": 16, "A_DEPTH": 128, "S_DEPTH": 256, "CHUNK_K": 16},
    {"ROWS": 2, "COLS": 8, "T": 4, "A_DEPTH": 16, "S_DEPTH": 64, "CHUNK_K": 32, "LANES": 32},
]


@pytest.mark.parametrize("build", [
    BUILDS[0], BUILDS[3], *(pytest.param(build, marks=pytest.mark.slow) for build in BUILDS[1:3])],
    ids=lambda b: f"{b['ROWS']}x{b['COLS']}x{b['T']}")
def test_sat_feeder(build):
    run("sat_feeder", parameters=build)
