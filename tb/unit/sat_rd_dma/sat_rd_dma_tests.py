# SPDX-License-Identifier: Apache-2.0
"""sat_rd_dma between random clients and an AXI memory with random stalls, latency and errors."""

import os
from collections import deque
from dataclasses import dataclass, field

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from tb.common import clock
from tb.common.axi_memory import (
    DECERR,
    OKAY,
    SLVERR,
    AxiMemory,
    AxiMemoryCfg,
    number,
    right_lasts,
    suffix_pins,
)
from tb.common.parameters import parameters
from tb.common.rng import make_rng

BEAT_BYTES = int(os.environ.get("DATA_W", "128")) // 8
BASE = 0x12_3450_0000
SIZE = 1 << 20
WINDOW = 64 * BEAT_BYTES
STALLS = {"none": (1.0, 1.0), "memory": (0.4, 1.0), "clients": (1.0, 0.4), "both": (0.5, 0.5)}


@dataclass
class Port:
    """One client: requests to make, beats to come."""

    requests: deque = field(default_factory=deque)  # (address, beats)
    expected: deque = field(default_factory=deque)  # data of the beats asked for
    valid: bool = False
    taken: int = 0  # beats


class Clients:
    """All clients of the DMA, and what they see each cycle."""

    def __init__(self, dut, memory, rng, p=1.0):
        self.dut, self.memory, self.rng, self.p = dut, memory, rng, p
        self.ports = [Port() for _ in range(len(dut.req_valid_i))]
        self.noise = make_rng("noise")  # on what ports say that ask for nothing
        self.errors = []        # (port, response, address)
        self.check_data = True  # off while errors corrupt it
        self.drive()

    def ask(self, port, address, beats):
        self.ports[port].requests.append((address, beats))

    @property
    def done(self):
        return not any(port.requests or port.expected for port in self.ports)

    def forget(self):
        self.ports = [Port() for _ in self.ports]
        self.drive()

    def drive(self):
        """Sets the client side for the coming rising edge."""
        valid = ready = address = beats = 0
        draws = self.rng.random(2 * len(self.ports))
        idle = self.noise.integers(1 << 52, size=len(self.ports))
        for p, port in enumerate(self.ports):
            port.valid = bool(port.requests) and (port.valid or bool(draws[2 * p] < self.p))
            request = port.requests[0] if port.valid else divmod(int(idle[p]), 1 << 12)
            valid |= port.valid << p
            address |= request[0] << 40 * p
            beats |= request[1] << 12 * p
            ready |= int(draws[2 * p + 1] < self.p) << p
        self.ready = ready
        self.dut.req_valid_i.value = valid
        self.dut.req_addr_i.value = address
        self.dut.req_beats_i.value = beats
        self.dut.rsp_ready_i.value = ready

    def sample(self):
        """Follows the transfers of the coming rising edge."""
        dut = self.dut
        grants = dut.req_ready_o.value.to_unsigned()
        valid = dut.rsp_valid_o.value.to_unsigned()
        assert valid & (valid - 1) == 0, "a beat goes to two clients"
        for p, port in enumerate(self.ports):
            if port.valid and grants >> p & 1:
                address, beats = port.requests.popleft()
                port.valid = False
                for beat in range(beats):
                    at = address + beat * BEAT_BYTES
                    port.expected.append(self.memory.fetch(at, BEAT_BYTES))
            if valid & self.ready & 1 << p:
                data = dut.rsp_data_o.value.to_unsigned().to_bytes(BEAT_BYTES, "little")
                assert port.expected, f"port {p}: beat that nobody asked for"
                expected = port.expected.popleft()
                assert data == expected or not self.check_data, (
                    f"port {p}: {data.hex()} instead of {expected.hex()}")
                port.taken += 1
        if dut.err_valid_o.value:
            self.errors.append(tuple(map(number, (dut.err_port_o, dut.err_resp_o, dut.err_addr_o))))
        assert bool(dut.beat_o.value) == bool(dut.rvalid_i.value and dut.rready_o.value)
        asked = bool(dut.arvalid_o.value and dut.arready_i.value)
        assert dut.halt_i.value or bool(dut.progress_o.value) == (asked or bool(valid & self.ready))

    async def cycle(self):
        self.drive()
        await ReadOnly()
        self.sample()
        await FallingEdge(self.dut.clk)

    async def finish(self, limit):
        """Runs until all is served; returns the cycles."""
        for cycle in range(limit):
            if self.done:
                return cycle
            await self.cycle()
        raise AssertionError(f"not served in {limit} cycles")


async def start(dut, cfg, p_client=1.0):
    rng = make_rng("memory")
    memory = AxiMemory(dut.clk, dut.rst_n, suffix_pins(dut), SIZE, rng, cfg, base=BASE,
                       write=False, attributes=False)
    memory.image[:] = rng.integers(0, 256, SIZE)
    clients = Clients(dut, memory, make_rng("clients"), p_client)
    await clock.start(dut)
    return memory, clients


def random_request(rng, longest=200):
    """(address, beats): any length, with a liking for short ones and for ends of windows."""
    beats = int(rng.integers(1, rng.choice([2, 9, longest + 1])))
    line = int(rng.integers(SIZE // BEAT_BYTES - beats))
    if rng.random() < 0.3:
        line = max(0, (line | 63) + 1 - int(rng.integers(beats + 1)))
        line = min(line, SIZE // BEAT_BYTES - beats)
    return BASE + line * BEAT_BYTES, beats


def ask_random(clients, rng, count):
    for _ in range(count):
        clients.ask(int(rng.integers(len(clients.ports))), *random_request(rng))


def check_bursts(memory):
    for address, beats in memory.reads:
        assert address % WINDOW + beats * BEAT_BYTES <= WINDOW


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(stalls=list(STALLS))
async def test_random_requests_return_memory(dut, stalls):
    p_memory, p_client = STALLS[stalls]
    memory, clients = await start(dut, AxiMemoryCfg.stalled(p_memory), p_client)
    ask_random(clients, make_rng("requests"), 150)
    await clients.finish(60_000)
    check_bursts(memory)
    assert dut.drained_o.value and not dut.busy_o.value
    assert not clients.errors


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def test_longest_requests(dut):
    memory, clients = await start(dut, AxiMemoryCfg())
    for port in range(len(clients.ports)):
        clients.ask(port, BASE + 3 * BEAT_BYTES, (1 << 12) - 1)
    await clients.finish(40_000)
    check_bursts(memory)


async def throughput(dut, latency, beats, count):
    """Beats per cycle with every port asking all the time."""
    _, clients = await start(dut, AxiMemoryCfg(read_latency=(latency, latency)))
    rng = make_rng("requests")
    for _ in range(count):
        for port in range(len(clients.ports)):
            line = int(rng.integers(SIZE // WINDOW)) * 64
            clients.ask(port, BASE + line * BEAT_BYTES, beats)
    cycles = await clients.finish(20_000)
    rate = count * len(clients.ports) * beats / cycles
    dut._log.info("latency %d, %d beats a request: %.3f beats per cycle", latency, beats, rate)
    return rate


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(beats=[1, 2, 64])
async def test_many_requests_fill_the_bus(dut, beats):
    outstanding = int(dut.OUTSTANDING.value)
    rate = await throughput(dut, 40, beats, 400 if beats < 64 else 20)
    assert rate >= 0.95 * min(1.0, outstanding * beats / 44)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_short_latency_gives_a_request_per_cycle(dut):
    outstanding = int(dut.OUTSTANDING.value)
    assert await throughput(dut, 1, 1, 400) >= 0.95 * min(1.0, outstanding / 5)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_who_is_served(dut):
    """One client before all others, these evenly, and one when nobody else asks."""
    first, yielding = parameters(dut, "FIRST", "YIELDING")
    _, clients = await start(dut, AxiMemoryCfg())
    ports = clients.ports
    for port in range(len(ports)):
        for _ in range(300):
            clients.ask(port, BASE, 1)
    while ports[first].taken < 300:
        await clients.cycle()
    assert sum(port.taken for port in ports) == 300
    for _ in range(400):
        await clients.cycle()
    others = [port.taken for index, port in enumerate(ports) if index not in (first, yielding)]
    assert 0 < max(others) < 300 and max(others) - min(others) <= 2, others
    while min(port.taken for index, port in enumerate(ports) if index != yielding) < 300:
        assert yielding >= len(ports) or ports[yielding].taken == 0
        await clients.cycle()
    await clients.finish(20_000)
    assert all(port.taken == 300 for port in ports)


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(resp=[SLVERR, DECERR])
async def test_error_names_beat_and_port(dut, resp):
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.6, (0, 20)), 0.7)
    clients.check_data = False
    rng = make_rng("requests")
    for _ in range(30):
        port, (address, beats) = int(rng.integers(len(clients.ports))), random_request(rng, 100)
        bad = address + int(rng.integers(beats)) * BEAT_BYTES
        memory.clear_errors()
        memory.add_error(bad, BEAT_BYTES, resp)
        clients.errors.clear()
        clients.ask(port, address, beats)
        await clients.finish(2000)
        assert clients.errors == [(port, resp, bad)]


def wrong_lasts(rng, beats):
    """RLASTs of a burst with at least one wrong, and the first such beat."""
    lasts = right_lasts(beats)
    wrong = sorted({int(beat) for beat in rng.integers(beats, size=int(rng.integers(1, 3)))})
    for beat in wrong:
        lasts[beat] = not lasts[beat]
    return lasts, wrong


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def test_wrong_rlast_is_an_error_of_its_beat(dut):
    """The data still goes where it belongs: the length alone says where a burst ends."""
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.6, (0, 20)), 0.7)
    rng = make_rng("requests")
    expected: list[tuple[int, int, int]] = []
    for _ in range(60):
        port, (address, beats) = int(rng.integers(len(clients.ports))), random_request(rng, 100)

        def lasts(beats, port=port):
            start, _ = memory.reads[-1]
            result, wrong = wrong_lasts(rng, beats)
            expected.extend((port, OKAY, start + beat * BEAT_BYTES) for beat in wrong)
            return result
        memory.lasts = lasts if rng.random() < 0.7 else right_lasts
        clients.ask(port, address, beats)
        await clients.finish(2000)
        assert clients.errors == expected
    assert len(expected) > 30


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def test_response_code_goes_before_rlast(dut):
    memory, clients = await start(dut, AxiMemoryCfg())
    clients.check_data = False
    for resp in (SLVERR, DECERR):
        memory.clear_errors()
        memory.add_error(BASE, BEAT_BYTES, resp)
        memory.lasts = lambda beats: [False] * beats
        clients.errors.clear()
        clients.ask(0, BASE, 1)
        await clients.finish(100)
        assert clients.errors == [(0, resp, BASE)]


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def test_short_burst_stays_open(dut):
    """Also under halt, until its beats come after all."""
    memory, clients = await start(dut, AxiMemoryCfg())
    clients.check_data = False
    for halted in (False, True):
        memory.lasts = lambda beats: [False] * (beats - 3) + [True]
        clients.ask(2, BASE, 8)
        for _ in range(100):
            await clients.cycle()
        dut.halt_i.value = int(halted)
        memory.lasts = right_lasts
        for _ in range(100):
            await clients.cycle()
        assert not dut.drained_o.value and dut.busy_o.value
        memory.stray_beats([False, True])
        for _ in range(10):
            await clients.cycle()
        assert dut.drained_o.value and not memory.outstanding
        dut.flush_i.value = int(halted)
        await clients.cycle()
        dut.flush_i.value = dut.halt_i.value = 0
        clients.forget()
    clients.check_data = True
    clients.errors.clear()
    ask_random(clients, make_rng("requests"), 20)
    await clients.finish(8000)
    assert not clients.errors


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def test_beats_nobody_asked_for_are_dropped(dut):
    """With nothing outstanding, and before the address of the only burst has gone out."""
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.7, (0, 9)), 0.7)
    rng = make_rng("requests")
    for _ in range(40):
        count = int(rng.integers(1, 6))
        memory.stray_beats([bool(last) for last in rng.integers(0, 2, count)])
        while memory.outstanding:
            await clients.cycle()
            assert not dut.progress_o.value, "a stray beat is no progress"
        for _ in range(3):
            await clients.cycle()
        assert dut.drained_o.value and not dut.busy_o.value
        ask_random(clients, rng, int(rng.integers(1, 4)))
        await clients.finish(4000)
    assert not clients.errors


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_beat_before_the_address_is_dropped(dut):
    memory, clients = await start(dut, AxiMemoryCfg(p_ar=0.0))
    clients.ask(1, BASE, 2)
    for _ in range(10):
        await clients.cycle()
    assert dut.arvalid_o.value and not dut.drained_o.value
    memory.stray_beats([False, True])
    for _ in range(10):
        await clients.cycle()
    assert not memory.outstanding and not clients.ports[1].taken
    assert dut.arvalid_o.value and not dut.drained_o.value and not clients.errors


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def test_every_address_bit_reaches_the_bus(dut):
    """Most addresses lie outside the memory, which answers with an error; that names them too."""
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.6), 0.7)
    clients.check_data = False
    rng = make_rng("addresses")
    for _ in range(20):
        for port in range(len(clients.ports)):
            address = int(rng.integers((1 << 40) // BEAT_BYTES)) * BEAT_BYTES
            memory.reads.clear()
            clients.errors.clear()
            clients.ask(port, address, 1)
            await clients.finish(500)
            assert list(memory.reads) == [(address, 1)]
            assert clients.errors == [(port, DECERR, address)]


async def halt_and_flush(dut, memory, clients):
    """Stops the DMA in mid-traffic as the sequencer does."""
    dut.halt_i.value = 1
    most = len(memory.reads) + 2  # two addresses may be in the output register
    for _ in range(5000):
        assert len(memory.reads) <= most, "new address while halted"
        clients.drive()
        await ReadOnly()
        assert dut.rsp_valid_o.value.to_unsigned() == 0
        drained = bool(dut.drained_o.value)
        await FallingEdge(dut.clk)
        if drained:
            break
    assert drained and not memory.outstanding
    clients.forget()
    dut.flush_i.value = 1
    await FallingEdge(dut.clk)
    dut.flush_i.value = 0
    dut.halt_i.value = 0
    assert not dut.busy_o.value


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(stalls=["none", "both"])
async def test_halt_drains_and_the_next_traffic_is_right(dut, stalls):
    p_memory, p_client = STALLS[stalls]
    memory, clients = await start(dut, AxiMemoryCfg.stalled(p_memory, (0, 30)), p_client)
    rng = make_rng("requests")
    for _ in range(25):
        ask_random(clients, rng, 40)
        for _ in range(int(rng.integers(1, 300))):
            await clients.cycle()
        await halt_and_flush(dut, memory, clients)
        ask_random(clients, rng, 5)
        await clients.finish(8000)
    check_bursts(memory)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_reset_in_mid_traffic_forgets_it(dut):
    memory, clients = await start(dut, AxiMemoryCfg.stalled(0.5, (0, 30)), 0.5)
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
        assert dut.drained_o.value and not dut.busy_o.value and not dut.arvalid_o.value
        ask_random(clients, rng, 5)
        await clients.finish(8000)
