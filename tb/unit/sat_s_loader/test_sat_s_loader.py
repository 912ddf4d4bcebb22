# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


# Words of less than a beat, of a beat, and of more.
@pytest.mark.parametrize("cols, t, elem_w, depth, data_w", [
    (2, 8, 4, 128, 128), (4, 8, 16, 128, 256), (32, 4, 16, 64, 512),
    *(pytest.param(*size, marks=pytest.mark.slow)
      for size in ((8, 8, 16, 128, 128), (16, 4, 16, 64, 128), (8, 4, 4, 64, 512)))])
def test_sat_s_loader(cols, t, elem_w, depth, data_w):
    run("sat_s_loader", parameters={"COLS": cols, "ELEM_W": elem_w, "S_DEPTH": depth,
                                    "DATA_W": data_w},
        extra_env={"T": str(t)})
