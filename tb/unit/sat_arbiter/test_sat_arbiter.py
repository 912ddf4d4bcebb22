# SPDX-License-Identifier: Apache-2.0
import pytest

from tb.common.runner import run


@pytest.mark.quick
@pytest.mark.parametrize("n", [2, 5, 8])
def test_sat_arbiter(n):
    run("sat_arbiter", parameters={"N": n})


@pytest.mark.quick
@pytest.mark.parametrize("n, first, yielding", [(8, 0, 6), (5, 3, 1)])
def test_sat_arbiter_unequal(n, first, yielding):
    run("sat_arbiter", parameters={"N": n, "FIRST": first, "YIELDING": yielding})
