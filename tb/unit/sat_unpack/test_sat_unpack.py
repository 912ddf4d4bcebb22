# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("word_w", [8, 32, 128, 256, 1024])
def test_sat_unpack(word_w):
    run("sat_unpack", parameters={"WORD_W": word_w})
