# SPDX-License-Identifier: Apache-2.0
"""sat_wuve_lane against golden fp32_mul and fp32_add: an operation enters every cycle."""

import re

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat.rtl import INCLUDE
from sat_golden.stimulus import FP32_SPECIALS, ordinary_fp32, random_bits
from sat_golden.vector import fp32_add, fp32_mul
from tb.common.clock import start
from tb.common.rng import make_rng

COUNT = 6000


@cocotb.test()
async def test_two_roundings(dut):
    rng = make_rng()
    header = (INCLUDE / "sat_fp.vh").read_text(encoding="utf-8")
    latency = sum(map(int, re.findall(r"(?:ADD|MUL)_LATENCY (\d+)", header)))
    kind = rng.integers(0, 3, (3, COUNT))
    factor, scalar, addend = np.choose(kind, [
        ordinary_fp32(rng, kind.shape), rng.choice(FP32_SPECIALS, kind.shape),
        random_bits(rng, kind.shape, np.uint32)])
    expected = fp32_add(addend, fp32_mul(scalar, factor))
    await start(dut)
    for cycle in range(COUNT + latency):
        if cycle >= latency:
            assert dut.result_o.value.to_unsigned() == expected[cycle - latency]
        if cycle < COUNT:
            dut.factor_i.value = int(factor[cycle])
            dut.scalar_i.value = int(scalar[cycle])
            dut.addend_i.value = int(addend[cycle])
        await FallingEdge(dut.clk)
