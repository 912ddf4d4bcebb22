# SPDX-License-Identifier: Apache-2.0
"""Memory behind client ports of the DMAs (docs/design/architecture.md); every handshake stalls.

Both classes are stepped: `cycle()` once per clock, at the falling edge. What it reads there must be
functions of registers only, which holds for every client of this core.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tb.common.require import require

MOST_WRITE_BEATS = 16
REQUESTS_AHEAD, BEATS_AHEAD = 8, 64  # of a write's two halves


@dataclass(frozen=True)
class Stalls:
    """Chance that a handshake is held up for a cycle; cycles from a request to its first beat; the
    chance for write requests alone, or write data alone, where one is to come long after the other;
    and how many write requests are taken ahead of their data."""

    chance: float = 0.0
    latency: int = 1
    requests: float = 0.0
    data: float = 0.0
    ahead: int = REQUESTS_AHEAD


STALLS = {
    "none": Stalls(),
    "latency": Stalls(latency=40),
    "some": Stalls(chance=0.3, latency=8),
    "many": Stalls(chance=0.8, latency=3),
}


def field(signal, place: int, width: int) -> int:
    """The field of `width` bits at `place` of a flat vector."""
    return signal.value[(place + 1) * width - 1 : place * width].to_unsigned()


class Held:
    """Checks that what is offered stays as it is until it is taken."""

    def __init__(self, name: str):
        self.name, self.offer = name, None

    def check(self, valid: bool, payload: object, taken: bool) -> None:
        if self.offer is not None:
            require(valid and payload == self.offer, "%s: withdrawn or changed", self.name)
        self.offer = payload if valid and not taken else None


class ReadPorts:
    """`ports` read clients whose signals begin with `prefix`.

    `fetch(address, bytes)` gives a beat (an integer) and may refuse by assertion. `requests` lists
    (port, address, beats) as taken; the beats of all ports return in that order. With `pairs` the
    data port is two beats wide, and now and then two of a request come at once.
    """

    def __init__(self, dut, fetch: Callable[[int, int], int], rng: np.random.Generator,
                 stalls: Stalls, ports: int = 1, prefix: str = "", pairs: bool = False):
        names = ("req_valid_o", "req_ready_i", "req_addr_o", "req_beats_o", "rsp_valid_i",
                 "rsp_ready_o", "rsp_data_i")
        (self.req_valid, self.req_ready, self.req_addr, self.req_beats, self.rsp_valid,
         self.rsp_ready, self.rsp_data) = (getattr(dut, prefix + name) for name in names)
        self.rsp_two = getattr(dut, prefix + "rsp_two_i", None)
        self.beat_bytes = len(self.rsp_data) // 8 >> (self.rsp_two is not None)
        self.pairs, self.two = pairs, False
        self.fetch, self.rng, self.stalls, self.ports = fetch, rng, stalls, ports
        self.addr_w = len(self.req_addr) // ports
        self.held = [Held(f"read request of port {port}") for port in range(ports)]
        # First cycle, port, address, and whether it is its request's last beat.
        self.queue: deque[tuple[int, int, int, bool]] = deque()
        self.requests: list[tuple[int, int, int]] = []
        self.now = 0
        self.offered = False

    def _ready(self) -> int:
        if not self.stalls.chance:
            return (1 << self.ports) - 1
        free = self.rng.random(self.ports) >= self.stalls.chance
        return sum(1 << int(port) for port in np.flatnonzero(free))

    def _requests(self) -> None:
        ready, valid = self._ready(), int(self.req_valid.value)
        self.req_ready.value = ready
        for port in range(self.ports):
            offered, taken = bool(valid >> port & 1), bool(valid & ready & 1 << port)
            # Only the fields of an offered request are sure to be defined.
            address = field(self.req_addr, port, self.addr_w) if offered else 0
            beats = field(self.req_beats, port, 12) if offered else 0
            self.held[port].check(offered, (address, beats), taken)
            if taken:
                require(address % self.beat_bytes == 0 and beats >= 1,
                        "port %d reads %d beats from %#x", port, beats, address)
                self.requests.append((port, address, beats))
                due = self.now + self.stalls.latency
                self.queue += [(due, port, address + beat * self.beat_bytes, beat + 1 == beats)
                               for beat in range(beats)]

    def _responses(self) -> None:
        # A beat once offered stays; otherwise the data lines carry noise.
        due = bool(self.queue) and self.queue[0][0] <= self.now
        again = self.offered
        self.offered = due and (self.offered or self.rng.random() >= self.stalls.chance)
        if not self.offered:
            self.rsp_valid.value = 0
            self.rsp_data.value = int(self.rng.integers(1 << 62))
            return
        _, port, address, last = self.queue[0]
        if not again:
            self.two = self.pairs and not last and self.rng.random() < 0.7
        data = self.fetch(address, self.beat_bytes)
        if self.two:
            data |= self.fetch(address + self.beat_bytes, self.beat_bytes) << 8 * self.beat_bytes
        if self.rsp_two is not None:
            self.rsp_two.value = int(self.two)
        self.rsp_valid.value = 1 << port
        self.rsp_data.value = data
        if int(self.rsp_ready.value) & 1 << port:
            for _ in range(1 + self.two):
                self.queue.popleft()
            self.offered = False

    def cycle(self) -> None:
        self._responses()
        self._requests()
        self.now += 1

    def clear(self) -> None:
        """Forgets what is outstanding, as the DMA does on a flush."""
        self.queue.clear()
        self.offered = False
        self.held = [Held(held.name) for held in self.held]
        self.req_ready.value = self.rsp_valid.value = 0


class WritePort:
    """One write client. `store(address, data, strobes)` gets each beat; `requests` are as taken."""

    def __init__(self, dut, store: Callable[[int, int, int], None], rng: np.random.Generator,
                 stalls: Stalls, prefix: str = ""):
        names = ("req_valid_o", "req_ready_i", "req_addr_o", "req_beats_o")
        (self.req_valid, self.req_ready, self.req_addr, self.req_beats) = (
            getattr(dut, prefix + name) for name in names)
        data = ("data_valid_o", "data_ready_i", "data_o", "strb_o")
        (self.data_valid, self.data_ready, self.data, self.strb) = (
            getattr(dut, prefix + name) for name in data)
        self.beat_bytes = len(self.data) // 8
        self.store, self.rng, self.stalls = store, rng, stalls
        self.request_held, self.data_held = Held("write request"), Held("write data")
        self.addresses: deque[int] = deque()
        self.left: deque[int] = deque()  # beats still to come, of each request
        self.beats: deque[tuple[int, int]] = deque()
        self.requests: list[tuple[int, int]] = []
        self.now = self.busy_until = 0

    @property
    def idle(self) -> bool:
        return not (self.addresses or self.beats) and self.now >= self.busy_until

    def _free(self) -> bool:
        return not self.stalls.chance or self.rng.random() >= self.stalls.chance

    def cycle(self) -> None:
        ready = len(self.left) < self.stalls.ahead and self._free()
        if self.stalls.requests:
            ready = ready and self.rng.random() >= self.stalls.requests
        self.req_ready.value = int(ready)
        valid = bool(self.req_valid.value)
        request = (0, 0)
        if valid:
            request = (self.req_addr.value.to_unsigned(), self.req_beats.value.to_unsigned())
        self.request_held.check(valid, request, ready)
        if valid and ready:
            address, beats = request
            require(address % self.beat_bytes == 0 and 1 <= beats <= MOST_WRITE_BEATS,
                    "%d beats are written from %#x", beats, address)
            self.requests.append(request)
            self.addresses += [address + beat * self.beat_bytes for beat in range(beats)]
            self.left.append(beats)

        ready = len(self.beats) < BEATS_AHEAD and self._free()
        if self.stalls.data:
            ready = ready and self.rng.random() >= self.stalls.data
        self.data_ready.value = int(ready)
        valid = bool(self.data_valid.value)
        beat = (self.data.value.to_unsigned(), self.strb.value.to_unsigned()) if valid else (0, 0)
        self.data_held.check(valid, beat, ready)
        if valid and ready:
            self.beats.append(beat)
        while self.addresses and self.beats:
            self.store(self.addresses.popleft(), *self.beats.popleft())
            self.left[0] -= 1
            if not self.left[0]:
                self.left.popleft()
            self.busy_until = self.now + self.stalls.latency
        self.now += 1

    def clear(self) -> None:
        """Forgets what is outstanding, as the DMA does on a flush."""
        for queue in (self.addresses, self.left, self.beats):
            queue.clear()
        self.busy_until = 0
        self.request_held, self.data_held = Held("write request"), Held("write data")
        self.req_ready.value = self.data_ready.value = 0
