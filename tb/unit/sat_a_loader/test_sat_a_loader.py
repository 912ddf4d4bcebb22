# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


# Columns of less than a beat, of a beat, and of more.
@pytest.mark.parametrize("rows, t, depth, chunk, data_w", [
    (2, 4, 32, 32, 128), (4, 4, 32, 128, 512),
    *(pytest.param(*size, marks=pytest.mark.slow)
      for size in ((8, 8, 64, 16, 128), (16, 4, 64, 32, 128), (16, 8, 32, 32, 256)))])
def test_sat_a_loader(rows, t, depth, chunk, data_w):
    run("sat_a_loader", parameters={"ROWS": rows, "A_DEPTH": depth, "CHUNK_K": chunk,
                                    "DATA_W": data_w},
        extra_env={"T": str(t)})
