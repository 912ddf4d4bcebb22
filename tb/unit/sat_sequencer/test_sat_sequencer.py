# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
def test_sat_sequencer():
    run("sat_sequencer", testcase=r"\.test_(?!coincidences)")


@pytest.mark.slow  # sat_control is proven for them, too
def test_sat_sequencer_meets_coincidences():
    run("sat_sequencer", testcase=r"\.test_coincidences")
