# SPDX-License-Identifier: Apache-2.0
import pytest

from sat import SatConfig
from tb.common.runner import run

NAMES = ("rows", "cols", "t", "a_depth", "s_depth", "chunk_k")
OFTEN = ("2x2", "8x8", "32x32")  # the others are slow


def build_of(name: str) -> dict[str, int]:
    config = SatConfig.from_name(name)
    return ({parameter.upper(): getattr(config, parameter) for parameter in NAMES}
            | {"LANES": config.lanes})


BUILDS = [
    *(pytest.param(build_of(name), marks=[pytest.mark.slow] * (name not in OFTEN), id=name)
      for name in SatConfig.names()),
    {"ROWS": 2, "COLS": 2, "T": 4, "A_DEPTH": 32, "S_DEPTH": 64, "CHUNK_K": 32},
    {"ROWS": 4, "COLS": 16, "T": 16, "A_DEPTH": 1024, "S_DEPTH": 1024, "CHUNK_K": 64},
    {"ROWS": 64, "COLS": 64, "T": 8, "A_DEPTH": 512, "S_DEPTH": 4096, "CHUNK_K": 256},
]


@pytest.mark.quick
@pytest.mark.parametrize("build", BUILDS, ids=lambda b: "x".join(str(b[name]) for name in b))
def test_sat_matmul_plan(build):
    run("sat_matmul_plan", parameters=build)
