# SPDX-License-Identifier: Apache-2.0
"""sat_uspe_lzc: each place of the leading one, with anything below it."""

from __future__ import annotations

import cocotb
from cocotb.triggers import Timer

from tb.common.rng import make_rng

WIDTH = 28


@cocotb.test()
async def test_counts(dut):
    rng = make_rng()
    for top in range(WIDTH):
        leading = 1 << top
        for below in [0, leading - 1, *(int(rng.integers(leading)) for _ in range(200))]:
            dut.value_i.value = leading | below
            await Timer(1, "ns")
            assert dut.count_o.value.to_unsigned() == WIDTH - 1 - top, f"{leading | below:#x}"
            assert not dut.zero_o.value
    dut.value_i.value = 0
    await Timer(1, "ns")
    assert dut.zero_o.value
