# SPDX-License-Identifier: Apache-2.0
"""sat_burst_split: random requests against the bursts that windows leave."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from tb.common.clock import start
from tb.common.rng import make_rng

BEAT_BYTES = 16


def split(address, beats, window):
    """The bursts (address, beats) of a request."""
    while beats:
        room = window - address // BEAT_BYTES % window
        yield address, min(beats, room)
        address += min(beats, room) * BEAT_BYTES
        beats -= min(beats, room)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(p_valid=[1.0, 0.5], p_ready=[1.0, 0.5])
async def test_random_requests_split_at_windows(dut, p_valid, p_ready):
    rng = make_rng("split")
    window = int(dut.WINDOW.value)
    requests: deque[tuple[int, int]] = deque()
    for _ in range(300):
        longest = 1 << 12 if rng.random() < 0.02 else 3 * window
        beats = int(rng.choice([1, int(rng.integers(1, longest)), window]))
        line = int(rng.choice([int(rng.integers(1 << 35)), int(rng.integers(1 << 20)) * window]))
        requests.append((line * BEAT_BYTES, beats))
    bursts = deque(burst for address, beats in requests
                   for burst in split(address, beats, window))
    count = len(bursts)

    await start(dut)
    valid, cycles = False, 0
    while bursts:
        valid = bool(requests) and (valid or bool(rng.random() < p_valid))
        ready = rng.random() < p_ready
        dut.req_valid_i.value = int(valid)
        if valid:
            dut.req_addr_i.value, dut.req_beats_i.value = requests[0]
        dut.burst_ready_i.value = int(ready)
        await ReadOnly()
        if dut.burst_valid_o.value:
            burst = dut.burst_addr_o.value.to_unsigned(), dut.burst_len_o.value.to_unsigned() + 1
            assert burst == bursts[0]
            if ready:
                bursts.popleft()
        if valid and dut.req_ready_o.value:
            requests.popleft()
            valid = False
        await FallingEdge(dut.clk)
        cycles += 1
    assert not requests and not dut.burst_valid_o.value
    if p_valid == p_ready == 1.0:
        assert cycles == count + 1, "lost a cycle between requests"


@cocotb.test()
async def test_reset_drops_the_request_inside(dut):
    await start(dut)
    for beats in (1, 100):
        dut.burst_ready_i.value = 0
        dut.req_valid_i.value, dut.req_addr_i.value, dut.req_beats_i.value = 1, 0, beats
        await FallingEdge(dut.clk)
        dut.req_valid_i.value = 0
        assert dut.burst_valid_o.value
        dut.rst_n.value = 0
        await FallingEdge(dut.clk)
        dut.rst_n.value = 1
        for _ in range(3):
            assert not dut.burst_valid_o.value and dut.req_ready_o.value
            await FallingEdge(dut.clk)
