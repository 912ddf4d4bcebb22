# SPDX-License-Identifier: Apache-2.0
"""sat_desc_fetch: descriptors over a stalling read port, with and without bus errors."""

import os

import cocotb
from cocotb.triggers import FallingEdge

from sat_golden.defs import DESC_BYTES
from tb.common.clock import start
from tb.common.rng import make_rng

BEAT_BYTES = int(os.environ.get("DATA_W", "128")) // 8
BEATS = DESC_BYTES // BEAT_BYTES


async def fetch(dut, rng, address, data, errors, p):
    """Reads `data`; beats in `errors` (beat: response) fail."""
    dut.addr_i.value = address
    dut.start_i.value = 1
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    taken = False
    while not taken:
        assert dut.rd_req_valid_o.value and dut.rd_req_addr_o.value == address
        assert dut.rd_req_beats_o.value == BEATS
        taken = bool(rng.random() < p)
        dut.rd_req_ready_i.value = int(taken)
        await FallingEdge(dut.clk)
    dut.rd_req_ready_i.value = 0
    for beat in range(BEATS):
        while rng.random() >= p:
            assert not dut.done_o.value and not dut.rd_req_valid_o.value
            await FallingEdge(dut.clk)
        at = BEAT_BYTES * beat
        dut.rd_rsp_data_i.value = int.from_bytes(data[at:at + BEAT_BYTES], "little")
        dut.rd_rsp_valid_i.value = 1
        dut.rd_err_valid_i.value = int(beat in errors)
        dut.rd_err_resp_i.value = errors.get(beat, 0)
        dut.rd_err_addr_i.value = address + at
        assert dut.rd_rsp_ready_o.value and not dut.done_o.value
        await FallingEdge(dut.clk)
        dut.rd_rsp_valid_i.value = 0
        dut.rd_err_valid_i.value = 0
    assert dut.done_o.value
    assert dut.desc_o.value.to_unsigned().to_bytes(len(data), "little") == data
    assert bool(dut.err_o.value) == bool(errors)
    if errors:
        first = min(errors)
        assert dut.err_addr_o.value == address + BEAT_BYTES * first
        assert dut.err_resp_o.value == errors[first]


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(p=[1.0, 0.3])
async def test_descriptor_arrives_with_its_first_error(dut, p):
    rng = make_rng("fetch")
    await start(dut)
    for _ in range(40):
        address = int(rng.integers(1 << 33)) * DESC_BYTES
        count = int(rng.choice([0, 0, 1, 3]))
        errors = {int(beat): int(rng.integers(4)) for beat in rng.integers(0, BEATS, count)}
        await fetch(dut, rng, address, rng.bytes(DESC_BYTES), errors, p)
