# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("emit", [1, 2, 4])
def test_sat_sore_emit(emit):
    run("sat_sore_emit", parameters={"EMIT": emit})
