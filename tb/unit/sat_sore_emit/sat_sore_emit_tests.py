# SPDX-License-Identifier: Apache-2.0
"""sat_sore_emit: every mask's elements in order, with stalls on both sides."""

import cocotb
from cocotb.triggers import FallingEdge, Timer

from sat_golden.stimulus import random_bits
from tb.common.clock import start
from tb.common.rng import make_rng


@cocotb.test()
@cocotb.parametrize(p_source=[0.0, 0.6], p_sink=[0.0, 0.6])
async def test_masks(dut, p_source, p_sink):
    rng = make_rng(f"{p_source} {p_sink}")
    await start(dut)
    masks = [1 << k for k in range(16)] + [0xFFFF, 0x8001]
    masks += map(int, rng.integers(1, 1 << 16, 100))
    vectors = random_bits(rng, (len(masks), 16), "uint16")
    expected: list[tuple[int, ...]] = []
    loaded, offered, cycles = 0, False, 0
    while loaded < len(masks) or expected:
        cycles += 1
        assert cycles < 20_000
        offered = loaded < len(masks) and (offered or rng.random() >= p_source)
        dut.load_valid_i.value = int(offered)
        last = loaded % 3 == 0
        if offered:
            data = vectors[loaded].astype("<u2").tobytes()
            dut.load_vector_i.value = int.from_bytes(data, "little")
            dut.load_keep_i.value, dut.load_last_i.value = masks[loaded], int(last)
        ready = rng.random() >= p_sink
        dut.out_ready_i.value = int(ready)
        await Timer(1, "ns")  # load_ready_o depends on out_ready_i
        if ready and dut.out_valid_o.value:
            actual = tuple(int(signal.value) for signal in (
                dut.out_value_o, dut.out_position_o, dut.out_rank_o, dut.out_end_o, dut.out_last_o))
            assert actual == expected.pop(0)
        if offered and dut.load_ready_o.value:
            kept = [k for k in range(16) if masks[loaded] >> k & 1]
            expected += [(int(vectors[loaded, k]), k, rank, int(k == kept[-1]),
                          int(k == kept[-1] and last)) for rank, k in enumerate(kept)]
            loaded, offered = loaded + 1, False
        await FallingEdge(dut.clk)
    if not p_source and not p_sink:
        assert cycles == sum(mask.bit_count() for mask in masks) + 1, "there are gaps"
