# SPDX-License-Identifier: Apache-2.0
"""AXI4 memory for benches: seeded latency and stalls, error regions, protocol checks.

The device under test must drive its AXI outputs from registers (as the core does): the model works
at the falling clock edge, where it sees what the next rising edge will transfer. It sleeps while
nothing is pending, so that a computing core costs no Python.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import Event, FallingEdge, First
from cocotb.types import Logic

from tb.common.require import require

OKAY, EXOKAY, SLVERR, DECERR = range(4)
PAGE = 4096


@dataclass
class AxiMemoryCfg:
    """Knobs. Latencies are in cycles from the last beat of a request to its first response, drawn
    evenly from (lowest, highest); `p_*` is the chance per cycle of a ready or a new valid."""

    read_latency: tuple[int, int] = (2, 2)
    write_latency: tuple[int, int] = (2, 2)
    p_ar: float = 1.0
    p_r: float = 1.0
    p_aw: float = 1.0
    p_w: float = 1.0
    p_b: float = 1.0

    @classmethod
    def stalled(cls, p: float, latency: tuple[int, int] = (0, 40)) -> AxiMemoryCfg:
        """All handshakes with the chance `p`, random latency."""
        return cls(latency, latency, p, p, p, p, p)


class Chance:
    """Boolean per call, true with probability p; drawn in blocks, which is fast."""

    def __init__(self, rng: np.random.Generator, p: float) -> None:
        self._rng, self._p, self._draws = rng, p, []

    def __call__(self) -> bool:
        if self._p >= 1.0:
            return True
        if not self._draws:
            self._draws = (self._rng.random(4096) < self._p).tolist()
        return self._draws.pop()


def number(handle) -> int:
    """Value of a pin of any width; an unknown bit is an error."""
    value = handle.value
    try:
        return int(value) if isinstance(value, Logic) else value.to_unsigned()
    except ValueError:
        raise AssertionError(f"{handle._name} has unknown bits: {value}") from None


class _Channel:
    """One channel whose valid the device drives: stability check and payload."""

    def __init__(self, name: str, pin: Callable[[str], Any], fields: tuple[str, ...],
                 chance: Chance) -> None:
        self.name = name
        self.valid = pin(f"{name}valid")
        self._ready_pin = pin(f"{name}ready")
        self._fields = {field: pin(name + field) for field in fields}
        self._chance = chance
        self._stalled: dict[str, int] | None = None
        self._ready = False
        self._ready_pin.value = 0

    def step(self) -> dict[str, int] | None:
        """Chooses ready for the next rising edge; the payload if it transfers there."""
        ready = self._chance()
        if ready != self._ready:
            self._ready = ready
            self._ready_pin.value = int(ready)
        if not number(self.valid):
            require(self._stalled is None, "%svalid fell before %sready", self.name, self.name)
            return None
        payload = {field: number(handle) for field, handle in self._fields.items()}
        require(self._stalled in (None, payload), "%s changed while waiting: %s -> %s", self.name,
                self._stalled, payload)
        self._stalled = None if ready else payload
        return payload if ready else None

    def reset(self) -> None:
        self._stalled = None


class AxiMemory:
    """AXI4 slave over `image`, a numpy uint8 array whose first byte has address `base`.

    `pin(name)` gives the handle of a pin such as "arvalid" (see `prefix_pins`). Read or write
    channels that the device does not have are left out with `read` and `write`, the pins that say
    the burst's kind with `attributes`. A low `rst_n` makes the memory forget all transactions.
    Addresses outside the image answer DECERR. `write_count` counts the writes of each byte; `reads`
    and `writes` hold (address, beats) of every burst in the order of their addresses.

    What no slave may do: `lasts(beats)` gives the RLAST of each beat that answers a read burst, of
    fewer or more beats than asked for too; `stray_beats` and `stray_response` answer what nobody
    asked for.
    """

    def __init__(self, clk, rst_n, pin: Callable[[str], Any], size: int,
                 rng: np.random.Generator, cfg: AxiMemoryCfg | None = None, base: int = 0,
                 read: bool = True, write: bool = True, attributes: bool = True) -> None:
        cfg = cfg or AxiMemoryCfg()
        self.image = np.zeros(size, dtype=np.uint8)
        self.write_count = np.zeros(size, dtype=np.uint16)
        self.base = base
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []
        self.read_beats = self.write_beats = 0
        self.lasts: Callable[[int], list[bool]] = right_lasts
        self.dead = False  # no response any more; for tests of the watchdog
        self._errors: list[tuple[int, int, int, bool, bool]] = []
        self._clk, self._rst_n, self._rng, self._cfg = clk, rst_n, rng, cfg
        self._cycle = 0
        self._latencies: dict[tuple[int, int], list[int]] = {}
        self.beat_bytes = len(pin("rdata" if read else "wdata")) // 8
        burst = ("addr", "len", "size", "burst") if attributes else ("addr", "len")
        self._ar = self._aw = self._w = None
        if read:
            self._ar = _Channel("ar", pin, burst, Chance(rng, cfg.p_ar))
            self._r_pins = {name: pin(name) for name in ("rvalid", "rdata", "rresp", "rlast")}
            self._rready = pin("rready")
            self._r_chance = Chance(rng, cfg.p_r)
            self._r_pins["rvalid"].value = 0
        if write:
            self._aw = _Channel("aw", pin, burst, Chance(rng, cfg.p_aw))
            self._w = _Channel("w", pin, ("data", "strb", "last"), Chance(rng, cfg.p_w))
            self._bvalid, self._bresp, self._bready = pin("bvalid"), pin("bresp"), pin("bready")
            self._b_chance = Chance(rng, cfg.p_b)
            self._bvalid.value = 0
        self._requests = [c.valid for c in (self._ar, self._aw, self._w) if c]
        self._r_queue: deque[list] = deque()             # [ready cycle, address, RLASTs to come]
        self._aw_queue: deque[list[int]] = deque()       # [first address, address, beats left]
        self._w_queue: deque[dict[str, int]] = deque()   # beats ahead of their address
        self._b_queue: deque[tuple[int, int]] = deque()  # (ready cycle, response)
        self._stray = Event()
        self._r_valid = self._r_taken = self._r_last = False
        self._b_valid = self._b_taken = False
        cocotb.start_soon(self._run())

    @property
    def outstanding(self) -> bool:
        """A transaction is not complete."""
        return bool(self._r_valid or self._b_valid or self._r_queue or self._aw_queue
                    or self._w_queue or self._b_queue)

    def add_error(self, first: int, size: int, resp: int, read: bool = True,
                  write: bool = True) -> None:
        """Beats (reads) and bursts (writes) that touch [first, first + size) answer `resp`. OKAY
        makes RLAST of these beats wrong."""
        self._errors.append((first, first + size, resp, read, write))

    def clear_errors(self) -> None:
        self._errors.clear()

    def stray_beats(self, lasts: list[bool]) -> None:
        """Offers beats that belong to no burst, after those that do."""
        self._r_queue.append([self._cycle, self.base, list(lasts)])
        self._stray.set()

    def stray_response(self, resp: int = OKAY) -> None:
        self._b_queue.append((self._cycle, resp))
        self._stray.set()

    def load(self, address: int, data: np.ndarray | bytes) -> None:
        raw = np.frombuffer(bytes(data), dtype=np.uint8)
        self.image[address - self.base:address - self.base + raw.size] = raw

    def fetch(self, address: int, size: int) -> bytes:
        return self.image[address - self.base:address - self.base + size].tobytes()

    def _response(self, address: int, size: int, write: bool) -> int:
        if address < self.base or address + size > self.base + self.image.size:
            return DECERR
        return next((resp for resp in self._hits(address, size, write) if resp != OKAY), OKAY)

    def _hits(self, address: int, size: int, write: bool) -> list[int]:
        return [resp for first, end, resp, on_read, on_write in self._errors
                if (on_write if write else on_read) and address < end and address + size > first]

    def _latency(self, bounds: tuple[int, int]) -> int:
        if bounds[0] == bounds[1]:
            return bounds[0]
        draws = self._latencies.setdefault(bounds, [])
        if not draws:
            draws += self._rng.integers(bounds[0], bounds[1] + 1, 1024).tolist()
        return draws.pop()

    def _check_burst(self, name: str, burst: dict[str, int]) -> tuple[int, int]:
        address, beats = burst["addr"], burst["len"] + 1
        require(address % self.beat_bytes == 0, "%s: address %#x is not aligned", name, address)
        require(address % PAGE + beats * self.beat_bytes <= PAGE,
                "%s: %d beats from %#x cross 4 KB", name, beats, address)
        whole = self.beat_bytes.bit_length() - 1
        require(burst.get("size", whole) == whole and burst.get("burst", 1) == 1, "%s: %s", name,
                burst)
        return address, beats

    def _reset(self) -> None:
        for queue in (self._r_queue, self._aw_queue, self._w_queue, self._b_queue):
            queue.clear()
        for channel in (self._ar, self._aw, self._w):
            if channel:
                channel.reset()
        if self._ar:
            self._r_pins["rvalid"].value = 0
        if self._aw:
            self._bvalid.value = 0
        self._r_valid = self._r_taken = self._r_last = False
        self._b_valid = self._b_taken = False

    async def _run(self) -> None:
        falling = FallingEdge(self._clk)
        while True:
            # What is unknown, as all is before the first edge of a reset, keeps the model awake.
            if not self.outstanding and all(valid.value == 0 for valid in self._requests):
                self._stray.clear()
                await First(*(valid.value_change for valid in self._requests), self._stray.wait())
            await falling
            if not self._rst_n.value:
                self._reset()
                continue
            self._cycle += 1
            if self._ar:
                self._step_read()
            if self._aw:
                self._step_write()

    def _step_read(self) -> None:
        burst = self._ar.step()
        if burst is not None:
            address, beats = self._check_burst("AR", burst)
            self.reads.append((address, beats))
            ready = self._cycle + self._latency(self._cfg.read_latency)
            self._r_queue.append([ready, address, self.lasts(beats)])
        if self._r_taken:
            self._r_valid = False
        if not self._r_valid:
            queue = self._r_queue
            if queue and queue[0][0] <= self._cycle and not self.dead and self._r_chance():
                self._drive_beat(queue)
            elif self._r_taken:
                self._r_pins["rvalid"].value = 0
        self._r_taken = self._r_valid and bool(self._rready.value)

    def _drive_beat(self, queue: deque[list]) -> None:
        _, address, lasts = queue[0]
        if len(lasts) == 1:
            queue.popleft()
        else:
            queue[0][1:] = address + self.beat_bytes, lasts[1:]
        resp = self._response(address, self.beat_bytes, write=False)
        offset = address - self.base
        data = 0 if resp == DECERR else int.from_bytes(
            self.image[offset:offset + self.beat_bytes].tobytes(), "little")
        pins = self._r_pins
        pins["rvalid"].value = 1
        pins["rdata"].value = data
        pins["rresp"].value = resp
        pins["rlast"].value = int(lasts[0] ^ (OKAY in self._hits(address, self.beat_bytes, False)))
        self._r_valid = True
        self.read_beats += 1

    def _step_write(self) -> None:
        burst = self._aw.step()
        if burst is not None:
            address, beats = self._check_burst("AW", burst)
            self.writes.append((address, beats))
            self._aw_queue.append([address, address, beats])
        beat = self._w.step()
        if beat is not None:
            self._w_queue.append(beat)
        while self._w_queue and self._aw_queue:
            self._write_beat(self._w_queue.popleft())
        if self._b_taken:
            self._b_valid = False
        if not self._b_valid:
            queue = self._b_queue
            if queue and queue[0][0] <= self._cycle and not self.dead and self._b_chance():
                self._bvalid.value = 1
                self._bresp.value = queue.popleft()[1]
                self._b_valid = True
            elif self._b_taken:
                self._bvalid.value = 0
        self._b_taken = self._b_valid and bool(self._bready.value)

    def _write_beat(self, beat: dict[str, int]) -> None:
        first, address, beats = self._aw_queue[0]
        require(beat["last"] == (beats == 1), "WLAST is %d with %d beats to go", beat["last"],
                beats)
        self.write_beats += 1
        offset = address - self.base
        data = np.frombuffer(beat["data"].to_bytes(self.beat_bytes, "little"), dtype=np.uint8)
        if beat["strb"] == (1 << self.beat_bytes) - 1:
            lanes = np.s_[offset:offset + self.beat_bytes]
        else:
            strobes = np.frombuffer(beat["strb"].to_bytes(self.beat_bytes // 8, "little"),
                                    dtype=np.uint8)
            written = np.unpackbits(strobes, bitorder="little").astype(bool)
            require(not data[~written].any(), "W: a lane without strobe is not 0: %#x, strobes %#x",
                    beat["data"], beat["strb"])
            lanes, data = offset + np.flatnonzero(written), data[written]
        if self._response(address, self.beat_bytes, write=True) == OKAY:
            self.image[lanes] = data
            self.write_count[lanes] += 1
        if beats > 1:
            self._aw_queue[0][1:] = address + self.beat_bytes, beats - 1
            return
        self._aw_queue.popleft()
        size = address + self.beat_bytes - first
        ready = self._cycle + self._latency(self._cfg.write_latency)
        self._b_queue.append((ready, self._response(first, size, write=True)))


def right_lasts(beats: int) -> list[bool]:
    """RLAST of each beat of a burst."""
    return [False] * (beats - 1) + [True]


def prefix_pins(dut, prefix: str = "m_axi_") -> Callable[[str], object]:
    """Pins with AMBA names: prefix + "arvalid"."""
    return lambda name: getattr(dut, prefix + name)


def suffix_pins(dut) -> Callable[[str], object]:
    """Pins of a module inside the core: "arvalid_o", "arready_i"."""
    def pin(name: str):
        return getattr(dut, f"{name}_o" if hasattr(dut, f"{name}_o") else f"{name}_i")
    return pin
