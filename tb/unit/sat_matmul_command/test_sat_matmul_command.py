# SPDX-License-Identifier: Apache-2.0
import pytest

from sat import SatConfig
from tb.common.runner import run

NAMES = ("rows", "cols", "t", "a_depth", "s_depth", "chunk_k", "addr_w")


@pytest.mark.quick
@pytest.mark.parametrize("name", ["2x2", "4x8"])
def test_sat_matmul_command(name):
    config = SatConfig.from_name(name)
    run("sat_matmul_command",
        parameters={name.upper(): getattr(config, name) for name in NAMES} | {"LANES": 8})
