# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


# Columns of less than a beat, of a beat, and of more.
@pytest.mark.parametrize("rows, t, depth, chunk", [(2, 4, 32, 32), (8, 8, 64, 16), (16, 4, 64, 32)])
def test_sat_a_loader(rows, t, depth, chunk):
    run("sat_a_loader", parameters={"ROWS": rows, "A_DEPTH": depth, "CHUNK_K": chunk},
        extra_env={"T": str(t)})
