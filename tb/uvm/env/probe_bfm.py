# SPDX-License-Identifier: Apache-2.0
"""Looks inside the core: the storage of its registers, and the events that sat_uvm_top collects."""

from __future__ import annotations

from collections.abc import Callable

from cocotb.triggers import FallingEdge

from tb.common.axi_memory import number
from tb.uvm.cov.events import EVENTS


class ProbeBfm:
    def __init__(self, dut) -> None:
        self._dut = dut
        dut.probe_clear.value = 0

    @property
    def cycle(self) -> int:
        return number(self._dut.cycle_q)

    @property
    def state(self) -> int:
        """The sequencer's."""
        return number(self._dut.probe_state)

    async def until_state(self, state: int, cycles: int) -> None:
        """Waits for a state of the sequencer; AssertionError if it does not come in time."""
        for _ in range(cycles):
            if self.state == state:
                return
            await FallingEdge(self._dut.aclk)
        raise AssertionError(f"the sequencer was not in state {state} for {cycles} cycles")

    def backdoor(self, register: str) -> Callable[[], int] | None:
        """Reads the storage of a register, by its name in the RDL."""
        handle = getattr(self._dut, f"probe_{register.lower()}", None)
        return None if handle is None else lambda: number(handle)

    def events(self) -> set[str]:
        """Names of what has happened since `forget`."""
        bits = number(self._dut.probe_events_q)
        return {name for bit, name in enumerate(EVENTS) if bits >> bit & 1}

    def clear_states(self) -> set[int]:
        """Sequencer states in which CTRL.clear was written."""
        return set_bits(number(self._dut.probe_clears_q))

    def start_states(self) -> set[int]:
        """Sequencer states in which CTRL.start was written."""
        return set_bits(number(self._dut.probe_starts_q))

    async def forget(self) -> None:
        self._dut.probe_clear.value = 1
        await FallingEdge(self._dut.aclk)
        self._dut.probe_clear.value = 0


def set_bits(word: int) -> set[int]:
    return {bit for bit in range(word.bit_length()) if word >> bit & 1}
