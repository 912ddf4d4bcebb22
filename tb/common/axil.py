# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite master for benches, with random waiting on each of the five channels."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from tb.common.require import require

OKAY, SLVERR = 0, 2


class AxilMaster:
    """Drives the port `prefix` of `dut`, a slave whose outputs depend on registers only.

    It works on falling edges: what it then reads is what the slave shows at the next rising edge.
    `stall` is the chance, per cycle and channel, that the master waits.
    """

    def __init__(self, dut, clk, rng: np.random.Generator, prefix: str = "s_axil_",
                 stall: float = 0.0) -> None:
        self.dut, self.clk, self.rng, self.prefix, self.stall = dut, clk, rng, prefix, stall
        for name in ("awvalid", "wvalid", "bready", "arvalid", "rready",
                     "awaddr", "wdata", "wstrb", "araddr"):
            self._pin(name).value = 0

    def _pin(self, name: str):
        return getattr(self.dut, self.prefix + name)

    async def _wait(self) -> None:
        while self.stall and self.rng.random() < self.stall:
            await FallingEdge(self.clk)

    async def _send(self, valid: str, ready: str, **payload: int) -> None:
        await self._wait()
        for name, value in payload.items():
            self._pin(name).value = value
        self._pin(valid).value = 1
        while not self._pin(ready).value:
            await FallingEdge(self.clk)
        await FallingEdge(self.clk)
        self._pin(valid).value = 0

    async def _receive(self, valid: str, ready: str, *payload: str) -> list[int]:
        """Takes a beat, checking that a waiting one stays as it is."""
        seen = None
        while True:
            take = self.rng.random() >= self.stall
            self._pin(ready).value = int(take)
            present = bool(self._pin(valid).value)
            if present:
                beat = [self._pin(name).value.to_unsigned() for name in payload]
                require(seen in (None, beat), "%s: payload changed while waiting", valid)
                seen = beat
            else:
                require(seen is None, "%s was taken back", valid)
            await FallingEdge(self.clk)
            if present and take:
                self._pin(ready).value = 0
                return beat

    async def write(self, address: int, data: int, strobe: int = 0xF) -> int:
        """Writes a word; returns the response."""
        channels = [cocotb.start_soon(self._send("awvalid", "awready", awaddr=address)),
                    cocotb.start_soon(self._send("wvalid", "wready", wdata=data, wstrb=strobe))]
        (response,) = await self._receive("bvalid", "bready", "bresp")
        for channel in channels:
            await channel
        return response

    async def read(self, address: int) -> tuple[int, int]:
        """Reads a word; returns it and the response."""
        channel = cocotb.start_soon(self._send("arvalid", "arready", araddr=address))
        data, response = await self._receive("rvalid", "rready", "rdata", "rresp")
        await channel
        return data, response
