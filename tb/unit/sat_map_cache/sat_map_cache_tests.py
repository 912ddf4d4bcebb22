# SPDX-License-Identifier: Apache-2.0
"""sat_map_cache: the beats asked for, in order, one or two at a time, and each line that fits read
once per command."""

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

LINE = 64  # bytes of a line, at least
VALUE = 2  # bytes
IN_FLIGHT = {128: 128, 256: 128, 512: 512}  # beats of whole lines, by DATA_W
MOST_BEATS = 2048  # of a request
GENERATIONS = 255  # commands from one clearing of the tags to the next

Request = tuple[int, int]  # address, beats


class Bench:
    """A loader on one side, memory on the other; every command finds new data in memory."""

    def __init__(self, dut, rng: np.random.Generator, stalls: Stalls, lines: int,
                 aligned: bool = False):
        self.dut, self.rng, self.stalls = dut, rng, stalls
        self.base = LINE * int(rng.integers(1, 1 << 33))
        if aligned:
            self.base -= self.base % (2 * LINE)
        self.memory = Beats(self.base, np.zeros(lines * LINE, np.uint8))
        self.dma = ReadPorts(dut, self.memory.fetch, rng, stalls, prefix="dma_")
        self.beat_bytes = self.dma.beat_bytes
        self.response = Held("response")
        self.line = max(LINE, 2 * self.beat_bytes)
        self.channels = LINE // VALUE
        self.most_in_flight = 0

    def free(self) -> bool:
        return not self.stalls.chance or self.rng.random() >= self.stalls.chance

    @property
    def read(self) -> int:
        """Bytes of 64 that hold channels, in whole beats."""
        beats = -(-self.channels * VALUE // self.beat_bytes)
        return min(beats * self.beat_bytes, LINE)

    async def command(self, requests: list[Request], cache: bool, pairs: bool = False) -> int:
        """Cycles from the start to the last beat."""
        dut = self.dut
        self.memory.data[:] = self.rng.integers(0, 256, self.memory.data.size, np.uint8)
        self.dma.requests.clear()
        dut.cache_i.value, dut.pairs_i.value = int(cache), int(pairs)
        dut.channels_i.value = self.channels
        dut.start_i.value = 1
        await self.step()
        dut.start_i.value = 0
        todo = list(reversed(requests))
        expected: list[tuple[int, bool]] = []  # beats, and whether they are a request's last
        cycles = taken = offered = 0
        while todo or taken < len(expected):
            if todo and (offered or self.free()):
                offered = 1
                dut.req_addr_i.value, dut.req_beats_i.value = todo[-1]
            dut.req_valid_i.value = offered
            dut.rsp_ready_i.value = int(self.free())
            await Timer(1, "ns")  # without the cache, ready passes through
            self.dma.cycle()
            self.most_in_flight = max(self.most_in_flight, len(self.dma.queue))
            await Timer(1, "ns")
            if offered and dut.req_ready_o.value:
                address, beats = todo.pop()
                expected += [(self.memory.fetch(address + beat * self.beat_bytes, self.beat_bytes),
                              beat + 1 == beats) for beat in range(beats)]
                offered = 0
            offer = self.offered()
            self.response.check(bool(offer), offer, bool(dut.rsp_ready_i.value))
            assert pairs and cache or len(offer) < 2
            if offer and dut.rsp_ready_i.value:
                for place, actual in enumerate(offer):
                    wanted, ends = expected[taken]
                    assert actual == wanted, f"beat {taken} of {requests}"
                    assert not ends or place + 1 == len(offer), "a pair of two requests"
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

    def offered(self) -> list[int]:
        """The one or two beats that are offered."""
        if not self.dut.rsp_valid_o.value:
            return []
        bits = 8 * self.beat_bytes
        data = self.dut.rsp_data_o.value
        beats = [data[bits - 1 : 0].to_unsigned()]
        if self.dut.rsp_two_o.value:
            beats.append(data[2 * bits - 1 : bits].to_unsigned())
        return beats

    async def step(self) -> None:
        self.dma.cycle()
        await FallingEdge(self.dut.clk)

    def misses(self) -> Counter:
        """How often each 64 bytes were read."""
        reads: Counter = Counter()
        for _, address, beats in self.dma.requests:
            end = address + beats * self.beat_bytes
            if self.line == LINE:
                assert beats * self.beat_bytes == self.read
                end = address + LINE
            assert address % LINE == end % LINE == 0
            assert address // self.line == (end - 1) // self.line
            reads.update(range(address // LINE, end // LINE))
        return reads

    def expected_misses(self, requests: list[Request], cache_lines: int) -> Counter:
        """The reads of a direct mapped cache that begins empty. A line is 64 bytes, or twice that,
        of which what a request wants is read if not all of it is there."""
        parts = self.line // LINE
        held: dict[int, int] = {}
        reads: Counter = Counter()
        for address, beats in requests:
            first, last = address // LINE, (address + beats * self.beat_bytes - 1) // LINE
            for line in range(first // parts, last // parts + 1):
                wanted = range(max(first, line * parts), min(last + 1, (line + 1) * parts))
                if any(held.get(part % cache_lines) != part for part in wanted):
                    reads.update(wanted)
                held.update((part % cache_lines, part) for part in wanted)
        return reads

    def random_requests(self, count: int) -> list[Request]:
        if self.read < LINE:  # a pixel's channels, or some of them
            return [self.within_line() for _ in range(count)]
        total = self.memory.data.size // self.beat_bytes
        firsts = self.rng.integers(0, total, count)
        return [(self.base + int(first) * self.beat_bytes,
                 int(min(self.rng.choice([1, 2, 8, 30]), total - first))) for first in firsts]

    def within_line(self) -> Request:
        beats = self.read // self.beat_bytes
        line = int(self.rng.integers(self.memory.data.size // LINE))
        first = int(self.rng.integers(beats))
        return (self.base + line * LINE + first * self.beat_bytes,
                int(self.rng.integers(1, beats - first + 1)))


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS))
async def test_random_requests(dut, stalls):
    """Maps from half to thrice the cache; now and then a command that bypasses it."""
    rng = make_rng(stalls)
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut)
    for share in (0.5, 1, 1.5, 3):
        bench = Bench(dut, rng, STALLS[stalls], int(share * cache_lines))
        for cache in (True, False, True, True, True):
            most = int(rng.choice([8, LINE // VALUE, 1 << 24]))
            bench.channels = int(rng.integers(1, most))
            requests = bench.random_requests(60)
            await bench.command(requests, cache, pairs=bool(rng.integers(2)))
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
    """Misses at the memory's rate in spite of its latency; hits one or two beats per cycle."""
    rng = make_rng()
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut)
    bench = Bench(dut, rng, STALLS["latency"], cache_lines, aligned=True)
    beats = 2 * LINE // bench.beat_bytes
    rows = [(bench.base + row * 2 * LINE, beats) for row in range(cache_lines // 2)]
    for _ in range(cache_lines):
        await bench.step()
    once = await bench.command(rows, cache=True)
    assert once <= beats * len(rows) + STALLS["latency"].latency + 12
    assert await bench.command(rows * 3, cache=True) <= once + 2 * beats * len(rows)
    assert await bench.command(rows * 3, cache=True, pairs=True) <= once + beats * len(rows) + 60
    single = [(bench.base, 1)] * 100
    assert await bench.command(single, cache=True) <= len(single) + 60


@cocotb.test()
async def test_memory_far_away_is_asked_far_ahead(dut):
    """As many beats are under way as there is room for, and not one more."""
    rng = make_rng()
    (cache_lines,) = parameters(dut, "CACHE_LINES")
    await start(dut)
    most = IN_FLIGHT[parameters(dut, "DATA_W")[0]]
    bench = Bench(dut, rng, Stalls(latency=4 * most), 4 * most, aligned=True)
    for _ in range(cache_lines):  # the tags are swept
        await bench.step()
    await bench.command([(bench.base, 3 * most)], cache=True)
    assert bench.most_in_flight == most
    if bench.line > LINE:
        return
    bench.most_in_flight, bench.channels = 0, 1  # a beat of a line has the room of all
    rows = [(bench.base + row * LINE, 1) for row in range(most)]
    await bench.command(rows, cache=True)
    assert bench.most_in_flight == most * bench.beat_bytes // LINE
    assert len(bench.dma.requests) == most


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
