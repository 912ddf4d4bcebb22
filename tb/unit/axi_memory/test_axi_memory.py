# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tb.common.runner import run


@pytest.mark.quick
def test_axi_memory():
    run("axi_pins", sources=[Path(__file__).parent / "axi_pins.v"],
        tests="tb.unit.axi_memory.axi_memory_tests")
