# SPDX-License-Identifier: Apache-2.0
"""sat_feature_round against the golden rounding: random and special numbers, beats with gaps,
with and without ReLU."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge

from sat_golden.reference import fp32_relu, fp32_to_fp16
from tb.common.clock import start
from tb.common.lanes import pack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

SPECIALS = (0, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x477FF000, 0x33000000,
            0xB3000001, 0x00000001, 0x80000001, 0x387FE000)


def draw(rng):
    if rng.random() < 0.3:
        return int(rng.choice(SPECIALS))
    exponent = int(rng.integers(100, 145)) if rng.random() < 0.8 else int(rng.integers(256))
    return int(rng.integers(2)) << 31 | exponent << 23 | int(rng.integers(1 << 23))


@cocotb.test()
@cocotb.parametrize(relu=[0, 1], p_valid=[1.0, 0.5])
async def test_rounds(dut, relu, p_valid):
    rng = make_rng(f"{relu} {p_valid}")
    lanes = parameters(dut, "DATA_W")[0] // 16
    await start(dut, relu_i=relu)
    expected: deque[tuple[int, bool]] = deque()
    count = 0
    for cycle in range(1000):
        if dut.out_valid_o.value:
            assert (dut.out_data_o.value.to_unsigned(), bool(dut.out_band_last_o.value)) == \
                expected.popleft()
            count += 1
        valid = rng.random() < p_valid and cycle < 980
        dut.in_valid_i.value = int(valid)
        if valid:
            words = [draw(rng) for _ in range(lanes)]
            band_last = rng.random() < 0.2
            dut.in_data_i.value = pack(words, 32)
            dut.in_band_last_i.value = int(band_last)
            expected.append((pack([fp32_to_fp16(fp32_relu(word) if relu else word)
                                   for word in words], 16), band_last))
        await FallingEdge(dut.clk)
    assert not expected and count > 300


@cocotb.test()
async def test_reset_forgets(dut):
    await start(dut, in_valid_i=1)
    await FallingEdge(dut.clk)
    dut.in_valid_i.value = dut.rst_n.value = 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    for _ in range(10):
        assert not dut.out_valid_o.value
        await FallingEdge(dut.clk)
