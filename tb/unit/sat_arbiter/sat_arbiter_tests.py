# SPDX-License-Identifier: Apache-2.0
"""sat_arbiter: one-hot grants, round robin after each advance, nobody starves of those who are
equal."""

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng


def expected_grant(requests, last, n, first, yielding):
    """First requester after the one served last, but for the two that are not equal."""
    order = [(last + 1 + step) % n for step in range(n)]
    order.sort(key=lambda index: (index != first, index == yielding))
    return next((index for index in order if requests >> index & 1), None)


@cocotb.test()
@cocotb.parametrize(p_request=[1.0, 0.5, 0.1], p_advance=[1.0, 0.5])
async def test_grants_go_round(dut, p_request, p_advance):
    await start(dut)
    rng = make_rng("requests")
    n = len(dut.request_i)
    first, yielding = parameters(dut, "FIRST", "YIELDING")
    equal = [index for index in range(n) if index not in (first, yielding)]
    last, waited, served = n - 1, [0] * n, [0] * n
    for _ in range(2000):
        requests = sum(1 << index for index in range(n) if rng.random() < p_request)
        advance = rng.random() < p_advance
        dut.request_i.value = requests
        dut.advance_i.value = int(advance)
        await Timer(1, unit="ns")
        grant = expected_grant(requests, last, n, first, yielding)
        assert dut.grant_o.value.to_unsigned() == (0 if grant is None else 1 << grant)
        if grant is not None:
            assert int(dut.grant_index_o.value) == grant
        if advance and grant is not None:
            last = grant
            served[grant] += 1
            for index in range(n):
                asks = requests >> index & 1 and index != grant
                waited[index] = waited[index] + 1 if asks else 0
            if len(equal) == n:
                assert max(waited) < n, "a requester was passed over for a whole round"
        await FallingEdge(dut.clk)
    if first >= n or p_request < 1:
        assert min(served[index] for index in equal) > 0
