# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("rows, cols, t, addr_w, data_w",
                         [(8, 8, 8, 40, 128), (4, 16, 4, 32, 512)])
def test_sat_regs(rows, cols, t, addr_w, data_w):
    parameters = {"ROWS": rows, "COLS": cols, "T": t, "ADDR_W": addr_w, "DATA_W": data_w}
    run("sat_regs", parameters=parameters,
        extra_env={"SAT_EXPECT": f"{rows} {cols} {t} {addr_w} {data_w}"})
