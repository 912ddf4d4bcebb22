# SPDX-License-Identifier: Apache-2.0
"""sat_c_sums: rows of C go by, tile after tile of columns; their sums, and where they are to be
written, against golden `stats`."""

from __future__ import annotations

from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly

from sat_golden import stats, stimulus
from tb.common.clock import start
from tb.common.lanes import pack_array, unpack_array
from tb.common.parameters import parameters
from tb.common.rng import make_rng


class Rows:
    """Issues column tiles c [R][J] FP16, whose groups come LATENCY later, and notes what leaves."""

    def __init__(self, dut, rng: np.random.Generator, p_issue: float, p_ready: float):
        self.dut, self.rng, self.p_issue, self.p_ready = dut, rng, p_issue, p_ready
        self.lanes, latency = parameters(dut, "LANES", "LATENCY")
        self.way: deque[int | None] = deque([None] * latency)
        self.requests: list[tuple[int, int]] = []  # address, beats
        self.groups: list[np.ndarray] = []         # what is written of each
        self.ends: list[bool] = []
        self.begun = 0

    async def cycle(self, group: np.ndarray | None = None, **inputs: int) -> None:
        """One cycle; `group` is issued."""
        dut, rng = self.dut, self.rng
        self.way.append(None if group is None else pack_array(group))
        came = self.way.popleft()
        dut.c_valid_i.value = int(came is not None)
        dut.c_i.value = pack_array(stimulus.random_bits(rng, self.lanes, np.uint16)) \
            if came is None else came
        for name in ("row_next_i", "column_last_i", "start_i"):
            getattr(dut, name).value = inputs.get(name, 0)
        room, ready = (int(rng.random() < self.p_ready) for _ in range(2))
        dut.room_i.value, dut.req_ready_i.value = room, ready
        await ReadOnly()
        assert room or not dut.begin_o.value, "a group begins without room"
        self.begun += int(dut.begin_o.value)
        if dut.req_valid_o.value and ready:
            self.requests.append((dut.req_addr_o.value.to_unsigned(),
                                  dut.req_beats_o.value.to_unsigned()))
        if dut.valid_o.value:
            used = [lane for lane in range(self.lanes) if dut.lanes_o.value[lane]]
            assert used == list(range(len(used))), f"lanes {dut.lanes_o.value}"
            self.groups.append(
                unpack_array(dut.sums_o.value.to_unsigned(), np.uint32, self.lanes)[used])
            self.ends.append(bool(dut.row_last_o.value))
            assert len(self.groups) <= self.begun, "a group that did not begin"
        await FallingEdge(dut.clk)

    async def tile(self, c: np.ndarray, skipped: int) -> None:
        """Issues a column tile, with rows of no groups behind its first row, and waits."""
        dut, rng, lanes = self.dut, self.rng, self.lanes
        rows, cols = c.shape
        padded = np.pad(c, ((0, 0), (0, -cols % lanes)))
        order: list[int | None] = [None] * skipped + list(range(1, rows))
        order = [0, *(order[k] for k in rng.permutation(len(order)))]
        dut.cols_i.value = cols
        for number, row in enumerate(order):
            column_last = int(number == len(order) - 1)
            for at in range(0, cols, lanes) if row is not None else ():
                while rng.random() >= self.p_issue:
                    await self.cycle()
                dut.group_i.value = at // lanes
                ends = at + lanes >= cols
                await self.cycle(padded[row, at : at + lanes], row_next_i=int(ends),
                                 column_last_i=column_last)
            if row is None:
                await self.cycle(row_next_i=1, column_last_i=column_last)
        cycles = 0
        while dut.pending_o.value:
            assert cycles < 4000, "sums pending for ever"
            cycles += 1
            await self.cycle()
        while any(group is not None for group in self.way):
            await self.cycle()
        assert self.begun == len(self.groups), "groups that began and did not leave"


async def check(dut, rng: np.random.Generator, rows: Rows, special: float) -> None:
    """One command of several column tiles."""
    lanes, groups, data_w = parameters(dut, "LANES", "GROUPS", "DATA_W")
    span = lanes * groups
    widths = [span] * int(rng.integers(3)) + [int(rng.integers(1, span + 1))]
    base, stride = 64 * int(rng.integers(1 << 33)), 64 * int(rng.integers(1, 1 << 18))
    dut.enable_i.value = 1
    dut.base_i.value, dut.stride_i.value = base, stride
    await rows.cycle(start_i=1)
    for number, cols in enumerate(widths):
        rows.requests, rows.groups, rows.ends, rows.begun = [], [], [], 0
        c = stimulus.mixed_fp16(rng, (int(rng.integers(1, 12)), cols), special)
        await rows.tile(c, int(rng.integers(3)))
        at = base + 4 * span * number
        beats = -(-32 * cols // data_w)
        assert rows.requests == [(at, beats), (at + stride, beats)], \
            f"{cols} columns at {at:#x}: requests {rows.requests}"
        expected = np.concatenate(stats(c, c))
        count = -(-cols // lanes)
        assert rows.ends == 2 * ([False] * (count - 1) + [True])
        found = np.concatenate(rows.groups)
        assert np.array_equal(found, expected.ravel()), f"{expected} {found}"


@cocotb.test()
@cocotb.parametrize(p_issue=[1.0, 0.3], p_ready=[1.0, 0.05])
async def test_commands(dut, p_issue, p_ready):
    rng = make_rng(f"{p_issue} {p_ready}")
    await start(dut)
    rows = Rows(dut, rng, p_issue, p_ready)
    for number in range(6):
        await check(dut, rng, rows, (0.0, 0.05)[number % 2])


@cocotb.test()
async def test_without_sums(dut):
    """Of a command that wants none nothing leaves, and none are pending."""
    rng = make_rng()
    lanes, groups = parameters(dut, "LANES", "GROUPS")
    await start(dut)
    rows = Rows(dut, rng, 1.0, 1.0)
    for _ in range(2):
        dut.enable_i.value = 0
        await rows.tile(stimulus.mixed_fp16(rng, (5, lanes * groups), 0.0), 1)
        for _ in range(100):
            await rows.cycle()
        assert not (rows.requests or rows.groups or rows.begun)
        await check(dut, rng, rows, 0.0)
        rows.requests, rows.groups, rows.ends, rows.begun = [], [], [], 0


@cocotb.test(expect_fail=True)
async def test_a_wrong_element_fails(dut):
    rng = make_rng()
    await start(dut)
    rows = Rows(dut, rng, 1.0, 1.0)
    cycle = rows.cycle

    async def damaged(group=None, **inputs):
        await cycle(None if group is None else group ^ np.uint16(0x200), **inputs)

    rows.cycle = damaged  # type: ignore[method-assign]
    await check(dut, rng, rows, 0.0)
