# SPDX-License-Identifier: Apache-2.0
"""sat_feeder against the documented order: commands, what they may rely on, releases, spacing; and
against a model of its slots that says of each one what it does or waits for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat.plan import Array, Tiling
from tb.common.buses import A_CMD, S_CMD
from tb.common.clock import start
from tb.common.matrix import set_inputs
from tb.common.parameters import array_of, parameters
from tb.common.record import Record
from tb.common.rng import make_rng
from tb.common.walk import log2, tile_inputs

LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]
EVENTS = ("slot_active", "stall_a", "stall_s", "stall_drain")


@dataclass
class Load:
    """What a loader commits at once: a chunk of A or a row of S, in its place in the ring."""

    number: int
    begin: int
    words: int
    uses: int = 0  # groups (or slots) that read it, by the time it may be released
    done: int = 0
    last_read: int = -1


class Ring:
    """A scratchpad as the loader sees it: loads come in order while they fit, from word `end` on,
    and go on release."""

    def __init__(self, depth: int, end: int):
        self.depth, self.loads, self.end = depth, [], end
        self.committed = self.released = self.words = 0

    def add(self, words: int) -> Load:
        self.loads.append(Load(len(self.loads), self.end, words))
        self.end = (self.end + words) % self.depth
        return self.loads[-1]

    def fits(self) -> bool:
        return (self.committed < len(self.loads)
                and self.words + self.loads[self.committed].words <= self.depth)

    def commit(self) -> None:
        self.words += self.loads[self.committed].words
        self.committed += 1

    def release(self, words: int, now: int, ripple: int) -> None:
        load = self.loads[self.released]
        assert words == load.words
        assert load.done == load.uses, "released before its last use"
        assert now - load.last_read >= ripple, "released before the last row or column has read it"
        self.words -= words
        self.released += 1

    def holds(self, load: Load) -> bool:
        return any(load is x for x in self.loads[self.released : self.committed])


class Ended(NamedTuple):
    """How a command left the feeder: cycles it took, words of the rings at which the next one
    begins, slots since its last tile's last one."""

    cycles: int
    a: int
    s: int
    since: int
    folded: bool


RESET = Ended(0, 0, 0, 1000, False)


@dataclass
class Group:
    """One group of a tile's reduction."""

    load: Load  # chunk of A
    half: int
    # PE address, zero, lane, RAM of the west edge, words of RAM 1 and RAM 0 (None if not read)
    writes: list[tuple[int, bool, int, int, list[int | None]]]
    slots: list[tuple[bool, bool, Load, list[int], list[int], list[int]]] = field(
        default_factory=list)


class Expected:
    """All groups of a command in order, and the loads of both operands, behind those of the
    command before."""

    def __init__(self, plan: Tiling, before: Ended):
        shape = plan.array
        self.plan = plan
        self.a, self.s = Ring(shape.a_depth, before.a), Ring(shape.s_depth, before.s)
        self.groups: list[Group] = []
        chunks: dict[tuple[int, int, int], Load] = {}
        rows: dict[int, Load] = {}
        for row, col in plan.tiles:
            if not plan.s_resident or row == 0:
                words = -(-plan.tile_cols(col) // shape.cols)
                rows = {q: self.s.add(words) for q in range(plan.kept)}
            for group in range(plan.groups):
                segment, place = divmod(group, plan.groups // plan.k_segments)
                first_k = place * plan.group_m
                chunk_k = first_k - first_k % shape.chunk_k
                length = min(shape.chunk_k, plan.k - chunk_k)
                chunk = row, segment, chunk_k
                if first_k == chunk_k and not (plan.a_resident and col > 0):
                    chunks[chunk] = self.a.add(_chunk_words(plan, length))
                self._add_group(group, col, chunks[chunk], first_k - chunk_k, length, rows)

    def _add_group(self, number: int, col: int, load: Load, k: int, length: int,
                   rows: dict[int, Load]) -> None:
        plan, shape = self.plan, self.plan.array
        load.uses += 1
        half = len(self.groups) % 2
        row_words = -(-length // shape.lanes)
        writes = []
        for pe_row in range(plan.pe_rows):
            for m in range(plan.group_m):
                rams: list[int | None] = [None, None]
                # If folded, the row block behind goes to the middle of the array.
                for block in reversed(range(pe_row << plan.folded,
                                            (pe_row + 1) << plan.folded)):
                    word = load.begin + block * row_words + (k + m) // shape.lanes
                    ram = (word ^ block & (row_words ^ 1)) & 1
                    rams[ram] = word % shape.a_depth // 2
                writes.append((half << 4 | pe_row * plan.group_m + m, k + m >= length,
                               (k + m) % shape.lanes, ram, rams))
        group = Group(load, half, writes)
        for p in range(plan.group_n):
            row = rows[number * plan.group_n + p]
            row.uses += 1
            first = number == 0 and p == 0
            last = number == plan.groups - 1 and p == plan.group_n - 1
            pe_cols = shape.t // plan.pe_rows
            pe_col = np.arange(shape.t) % pe_cols
            t1, side = pe_col >> plan.folded, pe_col & plan.folded
            words = (row.begin + np.where(t1 < row.words, t1, 0)) % shape.s_depth
            blocks = np.arange(shape.t) // pe_cols * plan.group_m
            group.slots.append((first, last, row, blocks.tolist(), words.tolist(), side.tolist()))
        self.groups.append(group)


def _chunk_words(plan: Tiling, length: int) -> int:
    words = -(-length // plan.array.lanes) * plan.t2
    return words + words % 2


class Pace:
    """When periods begin and why not: period p writes group p and multiplies group p - 1."""

    def __init__(self, expected: Expected, before: Ended):
        self.plan, self.groups = expected.plan, expected.groups
        self.running = True
        self.now = self.begun = self.tiles = 0  # cycles, periods, tiles given to the output buffer
        self.begin: int | None = None           # first slot of the running period, if there is one
        self.tile_end = -before.since           # last slot of the last tile
        self.settled = 0  # first cycle that decides: the array folds
        if self.plan.folded and not before.folded:
            self.settled = self.plan.array.cols // 2
            self.tile_end = self.settled // self.plan.array.t

    def cycle(self, chunks: int, values: int, indices: int, taken: int) -> set[str]:
        """The events of this cycle. The counts are what came in earlier cycles: chunks of A, rows
        of the planes of S, tiles out of the output buffer."""
        slot, t = divmod(self.now, self.plan.array.t)
        self.now += 1
        if t != self.plan.array.t - 1:
            return set()
        events = set()
        place = None if self.begin is None else slot - self.begin
        if place is not None and self.begun > 1 and place < self.plan.group_n:
            events.add("slot_active")
            if self.groups[self.begun - 2].slots[place][1]:
                self.tile_end = slot
        if (self.running and self.now > self.settled
                and (place is None or place + 1 == self.plan.period)):
            self.begin = None
            if self.begun > len(self.groups):
                self.running = False
            elif stall := self._stall(slot, chunks, values, indices, taken):
                events.add(stall)
            else:
                self.begin = slot + 1
                self.tiles += self._ends_tile()
                self.begun += 1
        return events

    def _ends_tile(self) -> bool:
        """Whether the next period multiplies the last group of a tile."""
        return self.begun > 0 and self.groups[self.begun - 1].slots[-1][1]

    def _stall(self, slot: int, chunks: int, values: int, indices: int, taken: int) -> str | None:
        """What the next period lacks at the end of a slot, A before S before room for a tile."""
        if self.begun < len(self.groups) and self.groups[self.begun].load.number >= chunks:
            return "stall_a"
        if self.begun:
            row = self.groups[self.begun - 1].slots[-1][2].number
            if row >= values or (row >= indices and not self.plan.dense):
                return "stall_s"
        spaced = slot + self.plan.group_n - self.tile_end > self.plan.array.rows
        if self._ends_tile() and (self.tiles - taken == 2 or not spaced):
            return "stall_drain"
        return None


class Checker:
    """Follows the feeder cycle by cycle."""

    def __init__(self, dut, expected: Expected):
        self.dut, self.expected, self.plan = dut, expected, expected.plan
        self.shape = self.plan.array
        self.now = 0
        self.writes = ((group, *write, place == len(group.writes) - 1)
                       for group in expected.groups for place, write in enumerate(group.writes))
        self.slots = ((group, *slot) for group in expected.groups for slot in group.slots)
        self.ram: list[Group | None] = [None] * 32
        self.slot: tuple | None = None
        self.place = 0
        self.last_ends: list[int] = []
        self.taken = 0
        self.pending_write: tuple[int, Group] | None = None

    def _command(self, signal, record: Record, below: int) -> tuple[dict[str, int], int] | None:
        """Fields of a command and the `below` bits below them; None unless its highest bit, which
        makes it valid, is set."""
        if not signal.value[len(signal) - 1]:
            return None
        word = signal.value.to_unsigned()
        return record.unpack(word >> below), word & (1 << below) - 1

    def a_command(self) -> None:
        below = 2 * (log2(self.shape.a_depth) - 1)  # of a word's address in each RAM
        place = log2(self.shape.lanes) + below
        command = self._command(self.dut.a_cmd_o, A_CMD, place)
        # A write is seen by reads from the next cycle on.
        if self.pending_write:
            self.ram[self.pending_write[0]] = self.pending_write[1]
        self.pending_write = None
        if command is None:
            return
        fields, place = command
        address, zero = fields["addr"], fields["zero"]
        lane, words = divmod(place, 1 << below)
        group, *wanted, ends = next(self.writes)
        expected_address, expected_zero, expected_lane, expected_ram, expected_words = wanted
        assert (address, zero) == (expected_address, expected_zero), self.plan
        assert fields["fold"] == self.plan.folded
        if not zero:
            assert (lane, fields["swap"]) == (expected_lane, expected_ram), self.plan
            for ram, word in enumerate(expected_words):
                actual = words >> ram * below // 2 & (1 << below // 2) - 1
                assert word in (None, actual), f"{self.plan} RAM {ram}"
            assert self.expected.a.holds(group.load), "reads a chunk that is not there"
            group.load.last_read = self.now
        group.load.done += ends
        self.pending_write = (address, group)

    def s_command(self) -> None:
        command = self._command(self.dut.s_cmd_o, S_CMD, log2(self.shape.s_depth))
        if command is None:
            assert self.place == 0, "a slot is cut short"
            return
        fields, word = command
        first, last, half, block = (fields[name] for name in ("first", "last", "half", "block"))
        if self.place == 0:
            self.slot = next(self.slots)
        group, expected_first, expected_last, load, blocks, words, sides = self.slot
        assert (first, last, half) == (expected_first, expected_last, group.half), self.plan
        assert (block, word) == (blocks[self.place], words[self.place]), self.plan
        assert (fields["fold"], fields["side"]) == (self.plan.folded, sides[self.place]), self.plan
        assert self.expected.s.holds(load), "reads a row that is not there"
        for m in range(self.plan.group_m):
            assert self.ram[half << 4 | block | m] is group, "a PE's RAM holds another group"
        load.last_read = self.now
        self.place += 1
        if self.place == self.shape.t:
            self.place = 0
            load.done += 1
            if last:
                self.last_ends.append(self.now)
                gaps = np.diff(self.last_ends[-2:])
                assert all(gaps >= (self.shape.rows + 1) * self.shape.t), "tiles too close"

    def cycle(self) -> None:
        dut, expected = self.dut, self.expected
        self.a_command()
        self.s_command()
        if dut.a_taken_o.value:
            load = expected.a.loads[self.taken]
            assert self.taken < expected.a.committed
            assert dut.a_taken_words_o.value.to_unsigned() == load.words
            self.taken += 1
        if dut.a_release_o.value:
            expected.a.release(dut.a_release_words_o.value.to_unsigned(), self.now,
                               self.shape.rows - 1)
        if dut.s_release_o.value:
            expected.s.release(dut.s_release_words_o.value.to_unsigned(), self.now,
                               self.shape.cols - 1)
        self.now += 1

    def finish(self) -> None:
        assert next(self.writes, None) is None and next(self.slots, None) is None
        for ring in (self.expected.a, self.expected.s):
            assert ring.released == len(ring.loads)
        assert self.taken == len(self.expected.a.loads)


def random_plan(rng: np.random.Generator, shape: Array, k_limit: int) -> Tiling:
    n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
    plan = Tiling(shape, 1, 1, 1, n, m, int(rng.integers(0, 5)))
    i, j = (int(rng.integers(1, 2.5 * span)) for span in (plan.row_span, plan.col_span))
    segments = int(rng.choice([1, rng.integers(2, 10)]))
    k = int(rng.integers(1, max(2, k_limit // segments)))
    return Tiling(shape, i, j, k, n, m, plan.row_interleave, k_segments=segments)


async def run(dut, rng: np.random.Generator, plan: Tiling, p_commit: float, p_take: float,
              seen: Counter[str] | None = None, before: Ended = RESET) -> Ended:
    """One command; loads are committed and tiles taken with these chances. Its events are added to
    `seen`."""
    expected = Expected(plan, before)
    checker = Checker(dut, expected)
    pace = Pace(expected, before)
    events: set[str] = set()
    set_inputs(dut, tile_inputs(plan) | {
        "depth_i": plan.k, "k_segments_i": plan.k_segments, "dense_i": plan.dense,
        "n_i": plan.group_n, "m_log2_i": log2(plan.group_m), "fold_i": plan.folded,
        "period_i": plan.period,
        "kept_i": plan.kept, "a_resident_i": plan.a_resident, "s_resident_i": plan.s_resident,
        "start_i": 1})
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    values = indices = taken = 0
    idle_at = 0
    while (not idle_at or taken < len(checker.last_ends)
           or checker.now < idle_at + max(plan.array.rows, plan.array.cols) + 5):
        checker.cycle()
        actual = {name for name in EVENTS if getattr(dut, f"{name}_o").value}
        assert actual == events, f"{plan} cycle {checker.now}: {actual} instead of {events}"
        assert bool(dut.idle_o.value) != pace.running
        if seen is not None:
            seen.update(events)
        events = pace.cycle(expected.a.committed, values, indices, taken)
        commit = expected.a.fits() and rng.random() < p_commit
        dut.a_commit_i.value = int(commit)
        if commit:
            expected.a.commit()
        # Neither plane of S is more than a row ahead of the other; room is that of both.
        room = expected.s.fits()
        value = room and values <= indices and rng.random() < p_commit
        index = room and indices <= values and not plan.dense and rng.random() < p_commit
        values, indices = values + value, indices + (index or (plan.dense and value))
        dut.value_commit_i.value, dut.index_commit_i.value = int(value), int(index)
        while expected.s.committed < min(values, indices):
            expected.s.commit()
        take = taken < len(checker.last_ends) and rng.random() < p_take
        dut.tile_taken_i.value = int(take)
        taken += take
        assert len(checker.last_ends) - taken <= 2, "a third tile while two wait"
        idle_at = idle_at or (checker.now if dut.idle_o.value else 0)
        assert checker.now < 60_000
        await FallingEdge(dut.clk)
    checker.finish()
    for name in ("a_commit", "value_commit", "index_commit", "tile_taken"):
        getattr(dut, f"{name}_i").value = 0
    return Ended(idle_at, expected.a.end, expected.s.end,
                 pace.now // plan.array.t - pace.tile_end, plan.folded)


def shape_of(dut) -> Array:
    (lanes,) = parameters(dut, "LANES")
    return array_of(dut, "ROWS", "COLS", "T", "A_DEPTH", "S_DEPTH", "CHUNK_K", data_w=16 * lanes)


@cocotb.test()
@cocotb.parametrize(p_commit=[1.0, 0.05], p_take=[0.5, 0.003])
async def test_order(dut, p_commit, p_take):
    """Random commands, residency as the plan says; loads and emptied tiles arriving late."""
    rng = make_rng(f"{p_commit} {p_take}")
    await start(dut)
    kinds, seen, ended = set(), Counter(), RESET
    for number in range(12):
        limit = 12 if number % 2 else 3 * shape_of(dut).chunk_k
        plan = random_plan(rng, shape_of(dut), limit)
        kinds.add((plan.a_resident, plan.s_resident))
        ended = await run(dut, rng, plan, p_commit, p_take, seen, ended)
    assert len(kinds) > 1, kinds
    missing = set(EVENTS) - set(seen)
    assert not missing or p_commit == 1 or p_take > 0.1, f"never seen: {missing}"


@cocotb.test()
async def test_throughput(dut):
    """With all at hand, periods follow each other without a gap, within tiles and between them."""
    rng = make_rng()
    shape = shape_of(dut)
    await start(dut)
    ended = RESET
    for nm in ((2, 2), (2, 8), (1, 4)):
        plan = Tiling(shape, 1, 1, 1, *nm, 0)
        # One column tile; tiles long enough for the spacing and short enough for S to stay.
        k = min(plan.group_m * 2 * (shape.rows + 2), shape.s_depth // plan.t1 * plan.group_m
                // plan.group_n // 16 * 16)
        plan = Tiling(shape, 3 * plan.row_span, plan.col_span, k, *nm, 0)
        slots = plan.row_tiles * plan.groups * plan.period
        ended = await run(dut, rng, plan, 1.0, 1.0, before=ended)
        spacing = max(0, shape.rows + 2 - plan.groups * plan.period) * plan.row_tiles
        assert ended.cycles <= (slots + plan.period + spacing + 8) * shape.t + plan.kept, plan
