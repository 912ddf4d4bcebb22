# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run

OFTEN = [
    {"ROWS": 4, "COLS": 4, "T": 8, "A_DEPTH": 32, "S_DEPTH": 256, "CHUNK_K": 16, "CACHE_LINES": 16,
     "DATA_W": 256},
]
SLOW = [
    {"ROWS": 2, "COLS": 2, "T": 4, "A_DEPTH": 32, "S_DEPTH": 64, "CHUNK_K": 32, "CACHE_LINES": 16},
    {"ROWS": 4, "COLS": 8, "T": 8, "A_DEPTH": 64, "S_DEPTH": 256, "CHUNK_K": 16, "CACHE_LINES": 64},
    {"ROWS": 2, "COLS": 16, "T": 16, "A_DEPTH": 128, "S_DEPTH": 256, "CHUNK_K": 32,
     "CACHE_LINES": 16},
    {"ROWS": 2, "COLS": 16, "T": 4, "A_DEPTH": 16, "S_DEPTH": 128, "CHUNK_K": 32, "CACHE_LINES": 16,
     "DATA_W": 512},
]


@pytest.mark.parametrize(
    "build", [*OFTEN, *(pytest.param(build, marks=pytest.mark.slow) for build in SLOW)],
    ids=lambda b: f"{b['ROWS']}x{b['COLS']}x{b['T']}")
def test_sat_matmul(build):
    run("sat_matmul", parameters=build)
