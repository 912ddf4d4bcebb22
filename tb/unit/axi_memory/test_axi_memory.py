# SPDX-License-Identifier: Apache-2.0
import shutil
from pathlib import Path

import pytest

from tb.common.runner import run

PINS = Path(__file__).parent / "axi_pins.v"


@pytest.mark.quick
def test_axi_memory():
    run("axi_pins", sources=[PINS], tests="tb.unit.axi_memory.axi_memory_tests")


@pytest.mark.quick
def test_unknown_pins():
    if shutil.which("iverilog") is None:
        pytest.skip("no iverilog: four-state simulation is not checked")
    run("axi_pins", sources=[PINS], tests="tb.unit.axi_memory.four_state_tests", sim="icarus")
