# SPDX-License-Identifier: Apache-2.0
"""sat_weight_round against the golden rounding, a vector in every cycle or with gaps."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from sat_golden import reference
from sat_golden.stimulus import random_bits
from tb.common.clock import start
from tb.common.lanes import pack_array, unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

LANES_LATENCY = 12  # of sat_lanes: from the word that was read to the result


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(half=[0, 1], p_valid=[1.0, 0.4])
async def test_weights(dut, half, p_valid):
    rng = make_rng(f"{half} {p_valid}")
    lanes = parameters(dut, "DATA_W")[0] // 32
    await start(dut, half_i=half)
    sources: list[list[int]] = []  # of each cycle: the half of the word read before
    upper, special_seen = 0, set()
    expected = None
    for cycle in range(1500):
        word = random_bits(rng, 2 * lanes, np.uint16)
        sources.append([int(weight) for weight in (word[lanes:] if upper else word[:lanes])])
        upper = int(rng.integers(2))
        data = random_bits(rng, lanes, np.uint32)
        mask, index = int(rng.integers(1 << lanes)), int(rng.integers(256 // lanes))
        valid = int(rng.random() < p_valid)
        dut.source_i.value, dut.read_upper_i.value = pack_array(word), upper
        dut.in_valid_i.value, dut.in_index_i.value = valid, index
        dut.in_mask_i.value, dut.in_data_i.value = mask, pack_array(data)
        await ReadOnly()
        special = any(mask >> lane & 1 and int(value) >> 23 & 0xFF == 0xFF
                      for lane, value in enumerate(data))
        special_seen.add(special)
        assert bool(dut.in_special_o.value) == special
        if expected:
            assert dut.out_valid_o.value == expected[0]
            assert (dut.out_index_o.value.to_unsigned(),
                    unpack(dut.out_weights_o.value.to_unsigned(), 16, lanes)) == expected[1:]
        expected = None
        if cycle >= LANES_LATENCY:
            weights = (sources[cycle - LANES_LATENCY] if half
                       else [reference.fp32_to_fp16(int(value)) for value in data])
            expected = (valid, index, [weight if mask >> lane & 1 else 0
                                       for lane, weight in enumerate(weights)])
        await FallingEdge(dut.clk)
    assert len(special_seen) == 2
