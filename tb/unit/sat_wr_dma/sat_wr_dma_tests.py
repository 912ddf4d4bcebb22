# SPDX-License-Identifier: Apache-2.0
"""sat_wr_dma between random clients and an AXI memory with random stalls, latency and errors."""

import os
from collections import deque
from dataclasses import dataclass, field

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from tb.common import clock
from tb.common.axi_memory import (
    DECERR,
    OKAY,
    SLVERR,
    AxiMemory,
    AxiMemoryCfg,
    number,
    suffix_pins,
)
from tb.common.rng import make_rng

BASE = 0x12_3450_0000
SIZE = 1 << 18
PAGE = 4096
BEAT_BYTES = int(os.environ.get("DATA_W", "128")) // 8
LONGEST = 16
STALLS = {"none": (1.0, 1.0, 1.0), "memory": (0.4, 1.0, 1.0), "requests": (1.0, 0.2, 1.0),
          "data": (1.0, 1.0, 0.2), "all": (0.5, 0.5, 0.5)}


@dataclass
class Port:
    """One client: requests and beats to offer, independently of each other."""

    requests: deque = field(default_factory=deque)  # (address, beats)
    beats: deque = field(default_factory=deque)     # (data, strobes)
    req_valid: bool = False
    data_valid: bool = False


class Clients:
    """All clients of the DMA, what they see each cycle, and the memory as they expect it."""

    def __init__(self, dut, memory, rng, p_req=1.0, p_data=1.0):
        self.dut, self.memory, self.rng, self.p_req, self.p_data = dut, memory, rng, p_req, p_data
        self.ports = [Port() for _ in range(len(dut.req_valid_i))]
        self.noise = make_rng("noise")  # on what ports say that offer nothing
        self.image = memory.image.copy()
        self.count = memory.write_count.copy()
        self.errors = []  # (port, response, address)
        self.bytes = self.bytes_counted = 0
        self.drive()

    def ask(self, port, address, beats):
        """Queues a write of random bytes with random strobes."""
        client = self.ports[port]
        client.requests.append((address, beats))
        data = self.rng.integers(0, 256, (beats, BEAT_BYTES), dtype=np.uint8)
        strobes = self.rng.random((beats, BEAT_BYTES)) < self.rng.choice([0.0, 0.5, 1.0],
                                                                         p=[0.1, 0.4, 0.5])
        where = np.flatnonzero(strobes) + address - BASE
        self.image[where] = data[strobes]
        self.count[where] += 1
        self.bytes += where.size
        for beat in range(beats):
            bits = int.from_bytes(np.packbits(strobes[beat], bitorder="little").tobytes(), "little")
            client.beats.append((int.from_bytes(data[beat].tobytes(), "little"), bits))

    @property
    def idle(self):
        """The clients have no more to offer and the DMA says that all is written."""
        waiting = any(port.requests or port.beats for port in self.ports)
        return not waiting and self.dut.idle_o.value.to_unsigned() == (1 << len(self.ports)) - 1

    def forget(self):
        self.ports = [Port() for _ in self.ports]
        self.drive()

    def drive(self):
        req_valid = addresses = lengths = data_valid = data = strobes = 0
        draws = self.rng.random(2 * len(self.ports))
        idle = self.noise.integers(1 << 52, size=len(self.ports))
        idle_beat = int.from_bytes(self.noise.bytes(BEAT_BYTES), "little")
        for p, port in enumerate(self.ports):
            port.req_valid = bool(port.requests) and (
                port.req_valid or bool(draws[2 * p] < self.p_req))
            port.data_valid = bool(port.beats) and (
                port.data_valid or bool(draws[2 * p + 1] < self.p_data))
            request = port.requests[0] if port.req_valid else divmod(int(idle[p]), 1 << 12)
            beat, lanes = port.beats[0] if port.data_valid else (idle_beat, int(idle[p]))
            req_valid |= port.req_valid << p
            addresses |= request[0] << 40 * p
            lengths |= request[1] << 12 * p
            data_valid |= port.data_valid << p
            data |= beat << 8 * BEAT_BYTES * p
            strobes |= (lanes & (1 << BEAT_BYTES) - 1) << BEAT_BYTES * p
        self.dut.req_valid_i.value = req_valid
        self.dut.req_addr_i.value = addresses
        self.dut.req_beats_i.value = lengths
        self.dut.data_valid_i.value = data_valid
        self.dut.data_i.value = data
        self.dut.strb_i.value = strobes

    def sample(self):
        dut = self.dut
        requests = dut.req_ready_o.value.to_unsigned()
        beats = dut.data_ready_o.value.to_unsigned()
        for p, port in enumerate(self.ports):
            if port.req_valid and requests >> p & 1:
                port.requests.popleft()
                port.req_valid = False
            if port.data_valid and beats >> p & 1:
                port.beats.popleft()
                port.data_valid = False
        self.bytes_counted += dut.bytes_o.value.to_unsigned()
        if dut.err_valid_o.value:
            self.errors.append(tuple(map(number, (dut.err_port_o, dut.err_resp_o, dut.err_addr_o))))

    async def cycle(self):
        self.drive()
        await ReadOnly()
        self.sample()
        await FallingEdge(self.dut.clk)

    async def finish(self, limit):
        """Runs until all is acknowledged; returns the cycles."""
        for cycle in range(limit):
            if self.idle:
                assert not self.memory.outstanding, "idle before the last response"
                return cycle
            await self.cycle()
        raise AssertionError(f"not idle in {limit} cycles")

    def check(self):
        assert np.array_equal(self.memory.write_count, self.count)
        assert np.array_equal(self.memory.image, self.image)


async def start(dut, cfg, p_req=1.0, p_data=1.0):
    rng = make_rng("memory")
    memory = AxiMemory(dut.clk, dut.rst_n, suffix_pins(dut), SIZE, rng, cfg, base=BASE, read=False,
                       attributes=False)
    memory.image[:] = rng.integers(0, 256, SIZE)
    clients = Clients(dut, memory, make_rng("clients"), p_req, p_data)
    await clock.start(dut)
    return memory, clients


def ask_random(clients, rng, count):
    """Random requests, each port in a part of the memory of its own; many end near 4 KB."""
    part = SIZE // len(clients.ports) // PAGE * PAGE
    for _ in range(count):
        port = int(rng.integers(len(clients.ports)))
        beats = int(rng.choice([1, int(rng.integers(1, LONGEST + 1))]))
        offset = int(rng.integers(part // BEAT_BYTES - LONGEST)) * BEAT_BYTES
        if rng.random() < 0.3:
            offset = (offset | PAGE - 1) + 1 - int(rng.integers(beats + 1)) * BEAT_BYTES
            offset = min(offset, part - beats * BEAT_BYTES)
        clients.ask(port, BASE + port * part + offset, beats)


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(stalls=list(STALLS))
async def test_random_requests_reach_memory(dut, stalls):
    p_memory, p_req, p_data = STALLS[stalls]
    _, clients = await start(dut, AxiMemoryCfg.stalled(p_memory), p_req, p_data)
    ask_random(clients, make_rng("requests"), 400)
    await clients.finish(60_000)
    await clients.cycle()
    clients.check()
    assert clients.bytes_counted == clients.bytes
    assert dut.drained_o.value and not dut.busy_o.value
    assert not clients.errors


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(beats=[1, 2, 16])
async def test_requests_fill_the_bus(dut, beats):
    _, clients = await start(dut, AxiMemoryCfg(write_latency=(8, 8)))
    count = 400
    for i in range(count):
        clients.ask(0, BASE + i % 16 * PAGE, beats)
    cycles = await clients.finish(20_000)
    rate = count * beats / cycles
    dut._log.info("%d beats a request: %.3f beats per cycle", beats, rate)
    outstanding = int(dut.OUTSTANDING.value)
    assert rate >= 0.95 * min(1.0, outstanding * beats / (10 + beats))


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(beats=[1, 7, 16])
async def test_no_address_before_all_its_data(dut, beats):
    memory, clients = await start(dut, AxiMemoryCfg())
    clients.ask(1, BASE, beats)
    last = clients.ports[1].beats.pop()
    for _ in range(50):
        await clients.cycle()
    assert not memory.writes and not dut.awvalid_o.value
    assert dut.idle_o.value.to_unsigned() >> 1 & 1 == 0
    clients.ports[1].beats.append(last)
    await clients.finish(100)
    clients.check()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_idle_falls_right_after_request_or_beat(dut):
    _, clients = await start(dut, AxiMemoryCfg(write_latency=(5, 5)))
    for first in ("requests", "beats"):
        clients.ask(0, BASE, 1)
        second = "beats" if first == "requests" else "requests"
        later = getattr(clients.ports[0], second).pop()
        await clients.cycle()
        for _ in range(20):
            assert dut.idle_o.value.to_unsigned() & 1 == 0, f"idle after taking {first}"
            await clients.cycle()
        getattr(clients.ports[0], second).append(later)
        await clients.finish(100)


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(resp=[SLVERR, DECERR])
async def test_error_names_burst_and_port(dut, resp):
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.6, (0, 20)), 0.7, 0.7)
    rng = make_rng("requests")
    for _ in range(40):
        port, beats = int(rng.integers(len(clients.ports))), int(rng.integers(1, LONGEST + 1))
        before = int(rng.integers(beats + 1))  # beats in the first page
        address = BASE + PAGE * int(rng.integers(1, 9)) - before * BEAT_BYTES
        bad = int(rng.integers(beats))
        burst = address if bad < before or before == 0 else address + before * BEAT_BYTES
        memory.clear_errors()
        memory.add_error(address + bad * BEAT_BYTES, BEAT_BYTES, resp)
        clients.errors.clear()
        clients.ask(port, address, beats)
        await clients.finish(2000)
        assert clients.errors == [(port, resp, burst)]


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(resp=[OKAY, SLVERR])
async def test_responses_nobody_waits_for_are_dropped(dut, resp):
    """With nothing outstanding, and while a burst still has beats or its address to give."""
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.3, (5, 9)), 0.7, 0.7)
    rng = make_rng("requests")
    for _ in range(60):
        memory.stray_response(resp)
        for _ in range(20):
            await clients.cycle()
            assert not dut.progress_o.value, "a stray response is no progress"
        assert not dut.busy_o.value and dut.drained_o.value
        ask_random(clients, rng, int(rng.integers(1, 4)))
        await clients.finish(2000)
        clients.check()
    assert not clients.errors


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(missing=["p_aw", "p_w"])
async def test_response_before_the_burst_is_out_is_dropped(dut, missing):
    memory, clients = await start(dut, AxiMemoryCfg(**{missing: 0.0}))
    clients.ask(1, BASE, 4)
    for _ in range(20):
        await clients.cycle()
    memory.stray_response(SLVERR)
    for _ in range(10):
        await clients.cycle()
    assert not clients.errors and not dut.drained_o.value
    assert dut.idle_o.value.to_unsigned() >> 1 & 1 == 0


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def test_every_address_bit_reaches_the_bus(dut):
    """Most addresses lie outside the memory, which answers with an error; that names them too."""
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.6), 0.7, 0.7)
    rng = make_rng("addresses")
    for _ in range(20):
        for index, port in enumerate(clients.ports):
            address = int(rng.integers((1 << 40) // BEAT_BYTES)) * BEAT_BYTES
            memory.writes.clear()
            clients.errors.clear()
            port.requests.append((address, 1))
            port.beats.append((int.from_bytes(rng.bytes(BEAT_BYTES), "little"), 1))
            await clients.finish(500)
            assert memory.writes == [(address, 1)]
            assert clients.errors == [(index, DECERR, address)]


async def halt_and_flush(dut, memory, clients):
    """Stops the DMA in mid-traffic as the sequencer does."""
    dut.halt_i.value = 1
    most = len(memory.writes) + 2  # two addresses may be in the output register
    for _ in range(5000):
        clients.drive()
        await ReadOnly()
        clients.sample()
        drained = bool(dut.drained_o.value)
        await FallingEdge(dut.clk)
        if drained:
            break
    assert drained and not memory.outstanding
    assert len(memory.writes) <= most, "new address while halted"
    clients.forget()
    dut.flush_i.value = 1
    await FallingEdge(dut.clk)
    dut.flush_i.value = 0
    dut.halt_i.value = 0
    assert dut.idle_o.value.to_unsigned() == (1 << len(clients.ports)) - 1


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(stalls=["none", "data", "all"])
async def test_halt_drains_and_the_next_traffic_is_right(dut, stalls):
    p_memory, p_req, p_data = STALLS[stalls]
    memory, clients = await start(dut, AxiMemoryCfg.stalled(p_memory, (0, 30)), p_req, p_data)
    rng = make_rng("requests")
    for _ in range(25):
        before = memory.image.copy()
        count = memory.write_count.copy()
        ask_random(clients, rng, 40)
        for _ in range(int(rng.integers(1, 200))):
            await clients.cycle()
        await halt_and_flush(dut, memory, clients)
        # What was not asked for is untouched; what follows starts from what memory holds.
        assert np.all(memory.write_count <= clients.count)
        untouched = memory.write_count == count
        assert np.array_equal(memory.image[untouched], before[untouched])
        clients.image, clients.count = memory.image.copy(), memory.write_count.copy()
        ask_random(clients, rng, 5)
        await clients.finish(8000)
        clients.check()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_reset_in_mid_traffic_forgets_it(dut):
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.5, (0, 30)), 0.5, 0.5)
    rng = make_rng("requests")
    for _ in range(10):
        ask_random(clients, rng, 40)
        for _ in range(int(rng.integers(1, 200))):
            await clients.cycle()
        dut.rst_n.value = 0
        clients.forget()
        await FallingEdge(dut.clk)
        await FallingEdge(dut.clk)
        dut.rst_n.value = 1
        assert dut.drained_o.value and not dut.busy_o.value and not dut.awvalid_o.value
        clients.image, clients.count = memory.image.copy(), memory.write_count.copy()
        ask_random(clients, rng, 5)
        await clients.finish(8000)
        clients.check()
