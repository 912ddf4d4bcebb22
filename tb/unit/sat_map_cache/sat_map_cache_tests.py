# SPDX-License-Identifier: Apache-2.0
"""sat_map_cache: the beats asked for, in order, and each line that fits read once per command."""

from __future__ import annotations

from collections import Counter

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from tb.common.beats import Beats
from tb.common.clock import start
from tb.common.dma_ports import STALLS, Held, ReadPorts, Stalls
from tb.common.parameters import parameters
from tb.common.rng import make_rng

LINE = 64
MOST_BEATS = 2048  # of a request
GENERATIONS = 255  # commands from one clearing of the tags to the next

Request = tuple[int, int]  # address, beats


class Bench:
    """A loader on one side, memory on the other; every command finds new data in memory."""

    def __init__(self, dut, rng: np.random.Generator, stalls: Stalls, lines: int):
        self.dut, self.rng, self.stalls = dut, rng, stalls
        self.base = LINE * int(rng.integers(1, 1 << 33))
        self.memory = Beats(self.base, np.zeros(lines * LINE, np.uint8))
        self.dma = ReadPorts(dut, self.memory.fetch, rng, stalls, prefix="dma_")
        self.beat_bytes = self.dma.beat_bytes
        self.response = Held("response")

    def free(self) -> bool:
        return not self.stalls.chance or self.rng.random() >= self.stalls.chance

    async def command(self, requests: list[Request], cache: bool) -> int:
        """Cycles from the start to the last beat."""
        dut = self.dut
        self.memory.data[:] = self.rng.integers(0, 256, self.memory.data.size, np.uint8)
        self.dma.requests.clear()
        dut.cache_i.value = int(cache)
        dut.start_i.value = 1
        await self.step()
        dut.start_i.value = 0
        todo = list(reversed(requests))
        expected: list[int] = []
        cycles = taken = offered = 0
        while todo or taken < len(expected):
            if todo and (offered or self.free()):
                offered = 1
                dut.req_addr_i.value, dut.req_beats_i.value = todo[-1]
            dut.req_valid_i.value = offered
            dut.rsp_ready_i.value = int(self.free())
            await Timer(1, "ns")  # without the cache, ready passes through
            self.dma.cycle()
            await Timer(1, "ns")
            if offered and dut.req_ready_o.value:
                address, beats = todo.pop()
                expected += [self.memory.fetch(address + beat * self.beat_bytes, self.beat_bytes)
                             for beat in range(beats)]
                offered = 0
            beat = dut.rsp_data_o.value if dut.rsp_valid_o.value else None
            self.response.check(beat is not None, beat, bool(dut.rsp_ready_i.value))
            if beat is not None and dut.rsp_ready_i.value:
                assert beat == expected[taken], f"beat {taken} of {requests}"
                taken += 1
            if cache and dut.dma_rsp_valid_i.value:
                assert dut.dma_rsp_ready_o.value, "DMA data waits"
            cycles += 1
            assert cycles < 100 * (taken + 50), "no beat comes"
            await FallingEdge(dut.clk)
        dut.req_valid_i.value = 0
        await self.step()
        while not dut.idle_o.value:  # the rest of the last line
            assert not dut.rsp_valid_o.value
            await self.step()
        assert not dut.rsp_valid_o.value and not self.dma.queue
        return cycles

    async def step(self) -> None:
        self.dma.cycle()
        await FallingEdge(self.dut.clk)

    def misses(self) -> Counter:
        """How often each line was read."""
        assert all(address % LINE == 0 and beats * self.beat_bytes == LINE
                   for _, address, beats in self.dma.requests)
        return Counter(address // LINE for _, address, _ in self.dma.requests)

    def lines_of(self, requests: list[Request]) -> list[int]:
        """Lines that the requests touch, in order."""
        return [line for address, beats in requests
                for line in range(address // LINE,
                                  (address + beats * self.beat_bytes - 1) // LINE + 1)]

    def expected_misses(self, requests: list[Request], cache_lines: int) -> Counter:
        """The reads of a direct mapped cache that begins empty."""
        held: dict[int, int] = {}
        reads: Counter = Counter()
        for line in self.lines_of(requests):
            if held.get(line % cache_lines) != line:
                held[line % cache_lines] = line
                reads[line] += 1
        return reads

    def random_requests(self, count: int) -> list[Request]:
        total = self.memory.data.size // self.beat_bytes
        firsts = self.rng.integers(0, total, count)
        return [(self.base + int(first) * self.beat_bytes,
                 int(min(self.rng.choice([1, 2, 8, 30]), total - first))) for first in firsts]


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS))
async def test_random_requests(dut, stalls):
    """Maps from half to thrice the cache; now and then a command that bypasses it."""
    rng = make_rng(stalls)
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut)
    for share in (0.5, 1, 1.5, 3):
        bench = Bench(dut, rng, STALLS[stalls], int(share * cache_lines))
        for cache in (True, False, True, True):
            requests = bench.random_requests(60)
            await bench.command(requests, cache)
            if cache:
                assert bench.misses() == bench.expected_misses(requests, cache_lines), requests
            else:
                assert [request[1:] for request in bench.dma.requests] == requests


@cocotb.test()
async def test_generations_wrap(dut):
    """Lines that nobody looked up since then are forgotten, however many commands ago it was."""
    rng = make_rng()
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut)
    bench = Bench(dut, rng, Stalls(), cache_lines)
    beats = cache_lines * LINE // bench.beat_bytes
    everything = [(bench.base + at * bench.beat_bytes, min(MOST_BEATS, beats - at))
                  for at in range(0, beats, MOST_BEATS)]
    for apart in (GENERATIONS - 1, GENERATIONS, GENERATIONS + 1):
        for command in range(apart + 1):
            requests = everything if command in (0, apart) else [(bench.base, 1)]
            await bench.command(requests, cache=True)
            assert bench.misses() == bench.expected_misses(requests, cache_lines), (apart, command)


@cocotb.test()
async def test_rate(dut):
    """Misses at the memory's rate in spite of its latency; hits a beat per cycle."""
    rng = make_rng()
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut)
    bench = Bench(dut, rng, STALLS["latency"], cache_lines)
    beats = 2 * LINE // bench.beat_bytes
    rows = [(bench.base + row * 2 * LINE, beats) for row in range(cache_lines // 2)]
    for _ in range(cache_lines):
        await bench.step()
    once = await bench.command(rows, cache=True)
    assert once <= beats * len(rows) + STALLS["latency"].latency + 12
    assert await bench.command(rows * 3, cache=True) <= once + 2 * beats * len(rows)
    single = [(bench.base, 1)] * 100
    assert await bench.command(single, cache=True) <= len(single) + 60


@cocotb.test()
async def test_reset_at_any_time(dut):
    """A reset, with the DMA cleared, leaves an empty cache."""
    rng = make_rng()
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut)
    bench = Bench(dut, rng, STALLS["some"], 2 * cache_lines)
    for _ in range(10):
        dut.cache_i.value = dut.start_i.value = 1
        await bench.step()
        dut.start_i.value = 0
        for _ in range(int(rng.integers(0, 200))):
            address, beats = bench.random_requests(1)[0]
            dut.req_addr_i.value, dut.req_beats_i.value = address, beats
            dut.req_valid_i.value = dut.rsp_ready_i.value = 1
            await bench.step()
            if not dut.req_ready_o.value:
                dut.req_valid_i.value = 0
        dut.req_valid_i.value = 0
        dut.rst_n.value = 0
        bench.dma.clear()
        await FallingEdge(dut.clk)
        dut.rst_n.value = 1
        bench.response = Held("response")
        requests = bench.random_requests(10)
        await bench.command(requests, cache=True)
        assert bench.misses() == bench.expected_misses(requests, cache_lines), requests
