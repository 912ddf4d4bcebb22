# SPDX-License-Identifier: Apache-2.0
"""sat_sore against golden compress_ff: both directions at once, stalls on every handshake."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat_golden import compress_ff
from sat_golden.stimulus import FP16_SPECIALS, random_bits
from tb.common.clock import start
from tb.common.lanes import unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]


def expected_of(vector: np.ndarray, last: bool, n: int, m: int) -> list[tuple[int, ...]]:
    """(value, index, rank, end, last) of each kept element."""
    planes = compress_ff(vector[:, None], n, m)
    values = planes.values[:, 0]
    indices = np.arange(16) % m if planes.indices is None else planes.indices[:, 0]
    end = len(values) - 1
    return [(int(value), int(index), rank, int(rank == end), int(rank == end and last))
            for rank, (value, index) in enumerate(zip(values, indices))]


def output_of(dut, direction: int) -> list[tuple[int, ...]]:
    """The elements that a direction gives in this cycle; `end` and `last` mark the last of them."""
    emit, = parameters(dut, "EMIT")

    def fields(signal, bits, count):
        low = bits * count * direction
        return unpack(signal.value[low + bits * count - 1:low].to_unsigned(), bits, count)

    valid = fields(dut.out_valid_o, 1, emit)
    if not any(valid):
        return []
    assert valid == sorted(valid, reverse=True), "a slot is left out"
    rank, = fields(dut.out_rank_o, 4, 1)
    end, = fields(dut.out_end_o, 1, 1)
    last, = fields(dut.out_last_o, 1, 1)
    assert end or all(valid), "a slot is left out"
    count = sum(valid)
    return [(value, index, emit * rank + slot, *((end, last) if slot == count - 1 else (0, 0)))
            for slot, (value, index) in enumerate(zip(fields(dut.out_value_o, 16, emit)[:count],
                                                      fields(dut.out_index_o, 4, emit)))]


async def check(dut, rng: np.random.Generator, n: int, m: int, p_valid: float, p_ready: float,
                vectors: int) -> int:
    """Send vectors in random directions; the number of cycles until all has come out."""
    dut.n_i.value, dut.m_log2_i.value = n, m.bit_length() - 1
    pools = [rng.choice(FP16_SPECIALS, (vectors, 16)), random_bits(rng, (vectors, 16), np.uint16),
             rng.choice(np.array([0, 0x8000, 0x3C00, 0xBC00], np.uint16), (vectors, 16))]
    todo = [(pools[rng.integers(3)][k], k % 2, bool(rng.integers(2))) for k in range(vectors)]
    expected: list[list[tuple[int, ...]]] = [[], []]
    cycles = 0
    while todo or any(expected):
        cycles += 1
        assert cycles < 100_000
        dut.in_valid_i.value = int(bool(todo) and rng.random() < p_valid)
        if todo:
            vector, direction, last = todo[0]
            dut.in_bp_i.value, dut.in_last_i.value = direction, int(last)
            dut.in_vector_i.value = int.from_bytes(vector.astype("<u2").tobytes(), "little")
        ready = int(rng.random() < p_ready) | int(rng.random() < p_ready) << 1
        dut.out_ready_i.value = ready
        await cocotb.triggers.Timer(1, "ns")  # in_ready_o depends on the inputs of this cycle
        for direction in range(2):
            for element in output_of(dut, direction) if ready >> direction & 1 else ():
                assert expected[direction], "an element too many"
                assert element == expected[direction].pop(0)
        if dut.in_valid_i.value and dut.in_ready_o.value:
            vector, direction, last = todo.pop(0)
            expected[direction] += expected_of(vector, last, n, m)
        await FallingEdge(dut.clk)
    dut.in_valid_i.value = 0
    await FallingEdge(dut.clk)
    assert not dut.out_valid_o.value.to_unsigned(), "an element too many"
    return cycles


@cocotb.test()
@cocotb.parametrize(p_valid=[1.0, 0.3], p_ready=[1.0, 0.4])
async def test_every_nm(dut, p_valid, p_ready):
    rng = make_rng(f"{p_valid} {p_ready}")
    await start(dut)
    for n, m in LEGAL_NM:
        await check(dut, rng, n, m, p_valid, p_ready, vectors=6)


@cocotb.test()
async def test_throughput(dut):
    """Without stalls both directions emit EMIT elements every cycle; vectors come one by one."""
    emit, = parameters(dut, "EMIT")
    await start(dut)
    cycles = await check(dut, make_rng(), 2, 8, 1.0, 1.0, vectors=80)
    assert cycles <= max(80, 80 // 2 * 4 // emit) + 8
