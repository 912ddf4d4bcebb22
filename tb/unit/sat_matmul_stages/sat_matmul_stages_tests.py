# SPDX-License-Identifier: Apache-2.0
"""sat_matmul_stages beside units that start, and are done at random times, against a list of the
commands inside, some of which have phases."""

from __future__ import annotations

from dataclasses import dataclass, field

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from tb.common.clock import start
from tb.common.rng import make_rng

UNITS = ("a", "s", "feeder", "store")


@dataclass
class Inside:
    """A command in the engine, or a phase of one: whether an operand meets C of the one before,
    cycles that are left of its plan, of the writes of its store, and of each unit that has begun
    it."""

    meets: dict[str, bool]
    plan: int
    more: int  # phases that follow
    blank: bool
    first: bool = True
    left: dict[str, int] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)  # who has copied its record
    writes: int = 0

    def __post_init__(self) -> None:
        if self.blank:
            self.left = {"a": 0, "s": 0, "feeder": 0}
            self.taken = {"feeder"}

    def done(self, unit: str) -> bool:
        return self.left.get(unit) == 0


class Units:
    """The engine's units; `cycle` plays one clock cycle and compares."""

    def __init__(self, dut, rng: np.random.Generator):
        self.dut, self.rng = dut, rng
        self.inside: list[Inside] = []
        self.pairs = self.ended = self.phases = 0
        self.map_due = False
        self.met = {"a": 0, "s": 0}

    def longest(self, unit: str) -> int:
        return int(self.rng.integers(1, 30 if unit in "as" else 60))

    async def cycle(self, wants: bool) -> None:
        dut, rng, inside = self.dut, self.rng, self.inside
        idle = {unit: not any(command.left.get(unit) for command in inside) for unit in UNITS}
        for unit in UNITS:
            getattr(dut, f"{unit}_idle_i").value = int(idle[unit])
        written = not any(command.writes for command in inside)
        dut.wr_idle_i.value = int(written)
        planned = bool(inside) and inside[-1].plan == 1
        dut.planned_i.value = int(planned)
        last = inside[-1] if inside else None
        dut.blank_i.value = int(last.blank if last and planned else rng.integers(2))
        dut.more_i.value = int(last.more > 0 if last and not last.plan else rng.integers(2))
        await Timer(1, "ns")
        begins = wants and bool(dut.ready_o.value)
        meets = {unit: bool(rng.integers(2)) for unit in "as"}
        dut.start_i.value = int(begins)
        dut.a_meets_i.value, dut.s_meets_i.value = int(meets["a"]), int(meets["s"])
        await Timer(1, "ns")
        # What may be said of any cycle.
        assert bool(dut.busy_o.value) == bool(inside) and bool(dut.pair_o.value) == (
            len(inside) == 2 and inside[1].first)
        following = bool(dut.next_o.value)
        if dut.ready_o.value or following:
            assert len(inside) < 2 and all(c.plan == 0 and c.done("a") and c.done("s")
                                           and c.taken == {"feeder", "store"}
                                           for c in inside), "ready too early"
            assert following == bool(last and last.more), "phases and commands out of order"
            assert following != bool(dut.ready_o.value)
        if not inside:
            assert dut.ready_o.value
        for unit in ("feeder", "store"):
            if getattr(dut, f"{unit}_take_o").value:
                [command for command in inside if unit not in command.taken][0].taken.add(unit)
        starts = {unit: bool(getattr(dut, f"{unit}_start_o").value) for unit in UNITS}
        assert bool(dut.map_start_o.value) == (starts["a"] and self.map_due)
        self.map_due = (self.map_due and not starts["a"]) or begins
        for unit, starting in starts.items():
            if starting:
                self.begin(unit, idle, written)
        # On to the next cycle.
        for command in inside:
            command.plan -= command.plan > 0
            for unit, left in command.left.items():
                waits = unit == "store" and not command.done("feeder")  # or "feeder" for operands
                waits |= unit == "feeder" and not command.done("s")
                if left and not waits and not (starts[unit] and command is self.youngest(unit)):
                    command.left[unit] = left - 1
                    if unit == "store" and left == 1:
                        command.writes = 1 + int(rng.integers(20))
            if command.done("store") and command.writes and not (starts["store"]):
                command.writes -= rng.random() < 0.5
        oldest = inside[0] if inside else None
        complete = (oldest is not None and all(map(oldest.done, UNITS)) and not oldest.writes
                    and self.settled)
        self.settled = (oldest is not None and all(map(oldest.done, UNITS)) and not oldest.writes)
        await FallingEdge(dut.clk)
        if complete:
            inside.pop(0)
            self.ended += 1
            self.settled = False
        blank = bool(rng.random() < 0.3)
        if following and last:
            inside.append(Inside(dict.fromkeys("as", False), int(rng.integers(2, 9)),
                                 last.more - 1, blank, first=False))
            self.phases += len(inside) == 2
        if begins:
            more = int(rng.choice([0, 0, 1, 3]))
            inside.append(Inside(meets, int(rng.integers(2, 9)), more, blank and more > 0))
            self.pairs += len(inside) == 2
            for unit in "as":
                self.met[unit] += len(inside) == 2 and meets[unit]

    settled = False

    def youngest(self, unit: str) -> Inside:
        return [command for command in self.inside if unit in command.left][-1]

    def begin(self, unit: str, idle: dict[str, bool], written: bool) -> None:
        """The unit goes on to the first command that it does not have."""
        waiting = [command for command in self.inside if unit not in command.left]
        assert waiting, f"{unit} starts without a command"
        command = waiting[0]
        assert command.plan == 0 and idle[unit], f"{unit} starts too early"
        assert unit in "as" or unit in command.taken
        if command is not self.inside[0]:
            assert unit != "store", "stores before the older command is complete"
            assert unit == "feeder" or not command.meets[unit], "loads what is not written"
        assert unit != "store" or written
        command.left[unit] = self.longest(unit)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def test_commands(dut):
    """Every stage has the commands in order and in time; none is lost."""
    rng = make_rng("units")
    await start(dut, a_idle_i=1, s_idle_i=1, feeder_idle_i=1, store_idle_i=1, wr_idle_i=1)
    units = Units(dut, rng)
    for _ in range(600):
        busy = float(rng.choice([0.05, 0.5, 1.0]))
        ended, cycles = units.ended, 0
        while units.ended == ended:
            await units.cycle(bool(rng.random() < busy))
            cycles += 1
            assert cycles < 600, "nothing ends"
    while units.inside:
        await units.cycle(False)
    assert units.pairs > 50 and units.phases > 50 and min(units.met.values()) > 10


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_reset_ends_the_commands(dut):
    rng = make_rng("reset")
    for _ in range(20):
        await start(dut, a_idle_i=1, s_idle_i=1, feeder_idle_i=1, store_idle_i=1, wr_idle_i=1)
        units = Units(dut, rng)
        for _ in range(int(rng.integers(60))):
            await units.cycle(True)
        dut.rst_n.value = dut.start_i.value = 0
        await FallingEdge(dut.clk)
        assert not dut.busy_o.value and not dut.pair_o.value
        for unit in UNITS:
            assert not getattr(dut, f"{unit}_start_o").value


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_progress_follows_every_move(dut):
    rng = make_rng("moves")
    await start(dut)
    for _ in range(300):
        moved = int(rng.choice([0, *(1 << bit for bit in range(len(dut.moved_i)))]))
        dut.moved_i.value = moved
        await FallingEdge(dut.clk)
        assert bool(dut.progress_o.value) == bool(moved)
