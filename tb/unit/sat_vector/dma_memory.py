# SPDX-License-Identifier: Apache-2.0
"""A memory behind the vector engine's two DMA ports, with stalls on every handshake."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from cocotb.triggers import FallingEdge
from cocotb.types import LogicArray

from sat_golden import Memory
from tb.common.dma_ports import BEATS_AHEAD, REQUESTS_AHEAD, Held
from tb.common.require import require

LINE_BYTES = 64


@dataclass(frozen=True)
class Stalls:
    """Chances that a handshake is held up for a cycle, and cycles from a request to its data."""

    read: float = 0.0
    write: float = 0.0
    latency: int = 3


def strobed(data: LogicArray, strobes: int) -> int:
    """The beat as an integer. Only bytes without strobe may be undefined (Icarus shows them)."""
    if data.is_resolvable:
        return data.to_unsigned()
    beat = [str(data[8 * k + 7:8 * k]) if strobes >> k & 1 else "0" * 8
            for k in range(len(data) // 8)]
    return int("".join(reversed(beat)), 2)


class DmaMemory:
    """Serves the ports cycle by cycle; `cycles` counts these, `overflows` the overflow pulses.

    `readable`, if given, says for each line of the memory whether it may be read.
    """

    def __init__(self, dut, memory: Memory, stalls: Stalls, rng: np.random.Generator,
                 readable: np.ndarray | None = None):
        self.dut, self.memory, self.stalls, self.rng = dut, memory, stalls, rng
        self.readable = readable
        self.beat_bytes = len(dut.rd_rsp_data_i) // 8
        self.read_held, self.write_held, self.data_held = (
            Held(name) for name in ("read request", "write request", "write data"))
        self.requests_left: deque[int] = deque()  # beats that each write request still waits for
        self.read_beats: deque[tuple[int, int]] = deque()  # (cycle from which it may go, address)
        self.write_addresses: deque[int] = deque()
        self.write_data: deque[tuple[int, int]] = deque()
        self.busy_until = 0
        self.cycles = self.overflows = self.beats_read = self.beats_written = 0

    def _offset(self, address: int) -> int:
        offset = address - self.memory.base
        require(address % self.beat_bytes == 0, "address %#x is not that of a beat", address)
        require(0 <= offset < self.memory.size, "address %#x lies outside the memory", address)
        return offset

    def _held_up(self, chance: float) -> bool:
        return chance > 0 and self.rng.random() < chance

    def _serve_reads(self) -> None:
        dut = self.dut
        ready = not self._held_up(self.stalls.read)
        dut.rd_req_ready_i.value = int(ready)
        valid = bool(dut.rd_req_valid_o.value)
        address, beats = request = (dut.rd_req_addr_o.value.to_unsigned(),
                                    dut.rd_req_beats_o.value.to_unsigned()) if valid else (0, 0)
        self.read_held.check(valid, request, ready)
        if ready and valid:
            require(beats > 0, "a read of no beats")
            for beat in range(beats):
                self.read_beats.append((self.cycles + self.stalls.latency,
                                        address + beat * self.beat_bytes))
        valid = (bool(self.read_beats) and self.read_beats[0][0] <= self.cycles
                 and not self._held_up(self.stalls.read))
        dut.rd_rsp_valid_i.value = int(valid)
        if valid:
            require(dut.rd_rsp_ready_o.value, "the engine does not take what it asked for")
            _, address = self.read_beats.popleft()
            offset = self._offset(address)
            require(self.readable is None or self.readable[offset // LINE_BYTES],
                    "read of %#x, outside the tensors", address)
            data = self.memory.data[offset:offset + self.beat_bytes].tobytes()
            dut.rd_rsp_data_i.value = int.from_bytes(data, "little")
            self.beats_read += 1

    def _serve_writes(self) -> None:
        dut = self.dut
        if self.write_addresses or self.write_data or self.cycles < self.busy_until:
            dut.wr_idle_i.value = 0
        else:
            dut.wr_idle_i.value = 1
        ready = len(self.requests_left) < REQUESTS_AHEAD and not self._held_up(self.stalls.write)
        dut.wr_req_ready_i.value = int(ready)
        valid = bool(dut.wr_req_valid_o.value)
        address, beats = request = (dut.wr_req_addr_o.value.to_unsigned(),
                                    dut.wr_req_beats_o.value.to_unsigned()) if valid else (0, 0)
        self.write_held.check(valid, request, ready)
        if ready and valid:
            require(1 <= beats <= 16, "a write of %d beats", beats)
            self.write_addresses += [address + beat * self.beat_bytes for beat in range(beats)]
            self.requests_left.append(beats)
        ready = len(self.write_data) < BEATS_AHEAD and not self._held_up(self.stalls.write)
        dut.wr_data_ready_i.value = int(ready)
        valid = bool(dut.wr_data_valid_o.value)
        strobes = dut.wr_strb_o.value.to_unsigned() if valid else 0
        beat = (strobed(dut.wr_data_o.value, strobes), strobes) if valid else (0, 0)
        self.data_held.check(valid, beat, ready)
        if ready and valid:
            self.write_data.append(beat)
        while self.write_addresses and self.write_data:
            self.requests_left[0] -= 1
            if not self.requests_left[0]:
                self.requests_left.popleft()
            offset = self._offset(self.write_addresses.popleft())
            data, strobes = self.write_data.popleft()
            old = self.memory.data[offset:offset + self.beat_bytes]
            new = np.frombuffer(data.to_bytes(self.beat_bytes, "little"), np.uint8)
            enabled = np.array([strobes >> k & 1 for k in range(self.beat_bytes)], bool)
            old[enabled] = new[enabled]
            self.beats_written += 1
            self.busy_until = self.cycles + self.stalls.latency

    async def step(self) -> None:
        """One clock cycle, from falling edge to falling edge."""
        self.cycles += 1
        self._serve_reads()
        self._serve_writes()
        await FallingEdge(self.dut.clk)
        self.overflows += int(self.dut.overflow_o.value)

    async def run(self, descriptor: bytes, overflow_latch: bool = False,
                  limit: int = 100_000) -> int:
        """Start a command and serve it to its end; the cycles from start to done."""
        dut, first = self.dut, self.cycles
        dut.desc_i.value = int.from_bytes(descriptor, "little")
        dut.overflow_latch_i.value = int(overflow_latch)
        dut.start_i.value = 1
        await self.step()
        dut.start_i.value = 0
        dut.desc_i.value = int(self.rng.integers(1 << 62))  # valid with start_i only
        require(dut.busy_o.value, "not busy after the start")
        while dut.busy_o.value:
            await self.step()
            require(self.cycles - first < limit, "the command does not end")
        require(not (self.read_beats or self.write_addresses or self.write_data),
                "the command ends before its accesses")
        return self.cycles - first
