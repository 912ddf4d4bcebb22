# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("rows, cols, t, addr_w", [(8, 8, 8, 40), (4, 16, 4, 32)])
def test_sat_regs(rows, cols, t, addr_w):
    parameters = {"ROWS": rows, "COLS": cols, "T": t, "ADDR_W": addr_w}
    run("sat_regs", parameters=parameters,
        extra_env={"SAT_EXPECT": f"{rows} {cols} {t} {addr_w}"})
