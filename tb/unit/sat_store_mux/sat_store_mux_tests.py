# SPDX-License-Identifier: Apache-2.0
"""sat_store_mux: every packet leaves once, whole, in its source's order."""

from __future__ import annotations

from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from tb.common.buses import PACKET_BEATS_BITS
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng

SOURCES = 3


def packets(rng: np.random.Generator, source: int, count: int,
            data_w: int) -> list[tuple[int, list[tuple]]]:
    """(address, [(data, strobes), ...]); the address tells the source."""
    return [(source << 36 | number << 8,
             [(int(rng.integers(1 << 62)) << data_w - 62,
               int(rng.integers(1 << 16)) << data_w // 8 - 16)
              for _ in range(rng.integers(1, 17))]) for number in range(count)]


@cocotb.test()
@cocotb.parametrize(p_source=[0.0, 0.6], p_req=[0.0, 0.7], p_data=[0.0, 0.7])
async def test_packets(dut, p_source, p_req, p_data):
    rng = make_rng(f"{p_source} {p_req} {p_data}")
    data_w, = parameters(dut, "DATA_W")
    await start(dut)
    sources = [packets(rng, source, 60, data_w) for source in range(SOURCES)]
    todo = [deque((address, len(beats), beat == len(beats) - 1, *beats[beat])
                  for address, beats in source for beat in range(len(beats))) for source in sources]
    total = sum(map(len, todo))
    requests, data, valid, cycles = [], [], 0, 0
    while any(todo) or valid:
        cycles += 1
        assert cycles < 20_000
        # A source keeps what it offered until it is taken.
        for source in range(SOURCES):
            if todo[source] and rng.random() >= p_source:
                valid |= 1 << source
        offered = [queue[0] if queue else (0, 0, 0, 0, 0) for queue in todo]
        dut.in_valid_i.value = valid
        for name, field, bits in (("addr", 0, 40), ("beats", 1, PACKET_BEATS_BITS), ("last", 2, 1),
                                  ("data", 3, data_w), ("strb", 4, data_w // 8)):
            value = sum(int(offer[field]) << bits * k for k, offer in enumerate(offered))
            getattr(dut, f"in_{name}_i").value = value
        req_ready, data_ready = rng.random() >= p_req, rng.random() >= p_data
        dut.req_ready_i.value, dut.data_ready_i.value = int(req_ready), int(data_ready)
        await Timer(1, "ns")
        if req_ready and dut.req_valid_o.value:
            requests.append((dut.req_addr_o.value.to_unsigned(),
                             dut.req_beats_o.value.to_unsigned()))
        if data_ready and dut.data_valid_o.value:
            data.append((dut.data_o.value.to_unsigned(), dut.strb_o.value.to_unsigned()))
        ready = dut.in_ready_o.value.to_unsigned() & valid
        for source in range(SOURCES):
            if ready >> source & 1:
                todo[source].popleft()
        valid &= ~ready
        await FallingEdge(dut.clk)
    beats = iter(data)
    seen: list[list] = [[] for _ in range(SOURCES)]
    for address, count in requests:
        seen[address >> 36].append((address, [next(beats) for _ in range(count)]))
    assert seen == sources and next(beats, None) is None
    if not p_source and not p_req and not p_data:
        assert cycles == total, "there are gaps"
