# SPDX-License-Identifier: Apache-2.0
"""sat_sore_emit: the kept elements in order, EMIT a cycle, with stalls on both sides."""

import cocotb
from cocotb.triggers import FallingEdge, Timer

from sat_golden.stimulus import random_bits
from tb.common.clock import start
from tb.common.lanes import pack, unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng


@cocotb.test()
@cocotb.parametrize(p_source=[0.0, 0.6], p_sink=[0.0, 0.6], count=[1, 2, 3, 4, 7, 8, 16])
async def test_masks(dut, p_source, p_sink, count):
    """Vectors of which `count` elements are kept."""
    rng = make_rng(f"{p_source} {p_sink} {count}")
    emit, = parameters(dut, "EMIT")
    await start(dut, last_rank_i=(count - 1) // emit)
    kept = [sorted(map(int, rng.choice(16, count, replace=False))) for _ in range(40)]
    vectors = random_bits(rng, (len(kept), 16), "uint16")
    expected: list[tuple] = []
    loaded, offered, cycles = 0, False, 0
    while loaded < len(kept) or expected:
        cycles += 1
        assert cycles < 20_000
        offered = loaded < len(kept) and (offered or rng.random() >= p_source)
        dut.load_valid_i.value = int(offered)
        last = loaded % 3 == 0
        if offered:
            data = vectors[loaded].astype("<u2").tobytes()
            dut.load_vector_i.value = int.from_bytes(data, "little")
            slots = [sum(1 << k for k in kept[loaded][slot::emit]) for slot in range(emit)]
            dut.load_slots_i.value, dut.load_last_i.value = pack(slots, 16), int(last)
        ready = rng.random() >= p_sink
        dut.out_ready_i.value = int(ready)
        await Timer(1, "ns")  # load_ready_o depends on out_ready_i
        valid = dut.out_valid_o.value.to_unsigned()
        if ready and valid:
            used = valid.bit_length()
            assert valid == (1 << used) - 1
            elements = list(zip(unpack(dut.out_value_o.value.to_unsigned(), 16, used),
                                unpack(dut.out_position_o.value.to_unsigned(), 4, used)))
            assert (elements, *(int(signal.value) for signal in (
                dut.out_rank_o, dut.out_end_o, dut.out_last_o))) == expected.pop(0)
        if offered and dut.load_ready_o.value:
            groups = [kept[loaded][first:first + emit]
                      for first in range(0, len(kept[loaded]), emit)]
            expected += [([(int(vectors[loaded, k]), k) for k in group], rank,
                          int(rank == len(groups) - 1), int(rank == len(groups) - 1 and last))
                         for rank, group in enumerate(groups)]
            loaded, offered = loaded + 1, False
        await FallingEdge(dut.clk)
    if not p_source and not p_sink:
        assert cycles == len(kept) * -(-count // emit) + 1, "there are gaps"
