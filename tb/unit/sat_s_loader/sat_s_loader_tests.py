# SPDX-License-Identifier: Apache-2.0
"""sat_s_loader: rows of the column tiles, in a ring that the consumer empties row by row; all of
them, or those of every second or fourth kernel position."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout
from cocotb.utils import get_sim_time

from sat.plan import Array, Tiling
from tb.common.buses import S_POSITIONS
from tb.common.clock import PERIOD_NS, start
from tb.common.dma_ports import STALLS, ReadPorts
from tb.common.lanes import unpack
from tb.common.matrix import Matrix, set_inputs
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2

FAR_APART = (1 << 18) - 64  # lines between rows: nearly the largest stride


@dataclass
class Positions:
    """Of a kernel: which rows of S they have, and which positions take part."""

    rows: int
    inputs: dict[str, int]
    taken: list[int]

    @classmethod
    def draw(cls, rng: np.random.Generator, rows: int) -> Positions:
        """Of at most as many rows in all."""
        spacing = int(rng.integers(1, 4))
        height, width = (int(x) for x in rng.integers(1, 6 if spacing < 3 else 16, 2))
        y, x = (int(rng.integers(min(side, 1 << spacing))) for side in (height, width))
        taken = [ky * width + kx for ky in range(y, height, 1 << spacing)
                 for kx in range(x, width, 1 << spacing)]
        record = S_POSITIONS.pack(spacing=spacing, first_y=y, first_x=x, kernel_w=width)
        each = max(1, rows // (height * width))
        return cls(height * width * each, {"positions_i": record, "position_rows_i": each}, taken)

    def q(self) -> list[int]:
        each = self.inputs["position_rows_i"]
        return [position * each + row for position in self.taken for row in range(each)]


def rows_of(plan: Tiling, passes: int, plane: Matrix, rows: list[int]) -> list[list[np.ndarray]]:
    """The words of each row in the order of loading; a word may be short at the matrix' edge."""
    return [[plane.elements[q, at : min(at + plan.array.cols, plan.j)]
             for at in range(col, col + plan.tile_cols(col), plan.array.cols)]
            for col in range(0, plan.j, plan.col_span) for _ in range(passes)
            for q in rows]


async def begin_command(dut) -> None:
    """A start, a cycle after the inputs."""
    await FallingEdge(dut.clk)
    dut.start_i.value = 1
    await FallingEdge(dut.clk)
    dut.start_i.value = 0


async def skip(dut, rng: np.random.Generator, plan: Tiling, rows: int, passes: int) -> int:
    """A command with nothing to load, whose rows are given up in time; words it takes."""
    words = [-(-plan.tile_cols(col) // plan.array.cols)
             for col in range(0, plan.j, plan.col_span) for _ in range(rows * passes)]
    set_inputs(dut, {"cols_i": plan.j, "kept_i": rows, "col_tiles_i": plan.col_tiles,
                     "passes_i": passes, "t1_log2_i": log2(plan.t1), "skip_i": 1})
    await begin_command(dut)
    for released in words:
        for _ in range(int(rng.integers(3))):
            dut.release_i.value = 0
            await FallingEdge(dut.clk)
        dut.release_i.value, dut.release_words_i.value = 1, released
        assert not dut.req_valid_o.value and not dut.write_o.value and not dut.commit_o.value
        await FallingEdge(dut.clk)
    dut.release_i.value = dut.skip_i.value = 0
    while not dut.idle_o.value:
        await FallingEdge(dut.clk)
    return sum(words)


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), passes=[1, 3], hint=[0, 1, 7])
async def test_rows(dut, stalls, passes, hint):
    """The consumer forgets rows at random, never one that is not committed. Commands follow each
    other in the ring, one of them with nothing to load."""
    rng = make_rng(f"{stalls} {passes} {hint}")
    cols, elem_w, depth, data_w = parameters(dut, "COLS", "ELEM_W", "S_DEPTH", "DATA_W")
    shape = Array(2, cols, int(os.environ["T"]), s_depth=depth, data_w=data_w)
    await start(dut)
    begin = 0
    for phase in (False, True):
        span = Tiling(shape, 1, 1, 1, row_interleave=hint).col_span
        # Several tiles, and where they are narrow, on every place in a beat.
        widest = max(2.5 * span, 1.5 * data_w / elem_w)
        plan = Tiling(shape, 1, int(rng.integers(1, widest)), 1, row_interleave=hint)
        # Enough rows to go round the ring.
        count = int(rng.integers(1, 3 * depth // plan.t1))
        positions = Positions.draw(rng, 4 * count) if phase else Positions(
            count, {"positions_i": 0, "position_rows_i": 0}, [])
        plane = Matrix(rng, positions.rows, plan.j, elem_w, int(rng.choice([2, FAR_APART])))
        rows = positions.q() if phase else list(range(count))
        expected = rows_of(plan, passes, plane, rows)
        port = ReadPorts(dut, plane.memory.fetch, rng, STALLS[stalls])
        set_inputs(dut, plane.inputs() | {
            "cols_i": plan.j, "kept_i": len(rows), "col_tiles_i": plan.col_tiles,
            "passes_i": passes, "t1_log2_i": log2(plan.t1),
            "position_bytes_i": plane.stride * positions.inputs["position_rows_i"],
            **positions.inputs})
        await begin_command(dut)
        memory: dict[int, list[int]] = {}
        live: deque[tuple[int, int]] = deque()  # (first address, words) of committed rows
        committed = held = silent = 0
        while committed < len(expected) or live:
            if dut.write_o.value:
                address = dut.write_addr_o.value.to_unsigned()
                assert address not in memory, "overwrites a word still in use"
                memory[address] = unpack(dut.write_word_o.value.to_unsigned(), elem_w, cols)
            if dut.commit_o.value:
                for place, word in enumerate(expected[committed]):
                    actual = memory[(begin + place) % depth][: len(word)]
                    assert actual == [int(x) for x in word], f"row {committed} of {plan}"
                live.append((begin, len(expected[committed])))
                begin = (begin + len(expected[committed])) % depth
                committed += 1
                silent = 0
            release = bool(live) and rng.random() < (0.1 if held % 3 else 0.6)
            dut.release_i.value = int(release)
            if release:
                first, words = live.popleft()
                dut.release_words_i.value = words
                for place in range(words):
                    del memory[(first + place) % depth]
                held += 1
            port.cycle()
            silent += 1
            assert silent < 2000 + 20 * depth
            await FallingEdge(dut.clk)
        dut.release_i.value = 0
        assert dut.idle_o.value and not port.queue and not memory
        await FallingEdge(dut.clk)
        if not phase:
            begin = (begin + await skip(dut, rng, plan, plane.rows, passes)) % depth


@cocotb.test()
async def test_columns_of_every_magnitude(dut):
    """One row of matrices as wide as each power of two, and more: the requests of all tiles."""
    rng = make_rng()
    cols, elem_w, depth, data_w = parameters(dut, "COLS", "ELEM_W", "S_DEPTH", "DATA_W")
    shape = Array(2, cols, int(os.environ["T"]), s_depth=depth, data_w=data_w)
    await start(dut)
    for power in range(16):
        plan = Tiling(shape, 1, (1 << power) + int(rng.integers(1 << power)), 1,
                      row_interleave=int(rng.integers(3)))
        base = 64 * int(rng.integers(1 << 33))
        expected = []
        for col in range(0, plan.j, plan.col_span):
            line, place = divmod(col * elem_w, data_w)
            beats = -(-(place + plan.tile_cols(col) * elem_w) // data_w)
            expected.append((0, base + line * (data_w // 8), beats))
        port = ReadPorts(dut, lambda address, size: 0, rng, STALLS["none"])
        set_inputs(dut, {"base_i": base, "stride_i": 0, "cols_i": plan.j, "kept_i": 1,
                         "positions_i": 0, "col_tiles_i": plan.col_tiles, "passes_i": 1,
                         "t1_log2_i": log2(plan.t1)})
        await begin_command(dut)
        committed = cycles = 0
        while committed < plan.col_tiles:
            dut.release_i.value = int(dut.commit_o.value)
            if dut.commit_o.value:
                words = -(-plan.tile_cols(committed * plan.col_span) // cols)
                dut.release_words_i.value = words
                committed += 1
            port.cycle()
            cycles += 1
            assert cycles < 100 + 20 * plan.j
            await FallingEdge(dut.clk)
        dut.release_i.value = 0
        assert port.requests == expected, f"{plan}"


@cocotb.test()
async def test_a_million_rows(dut):
    """With nothing to load and room in the ring a row takes a cycle: a command is as many cycles
    longer as it has rows more, of kernel positions that take part."""
    (depth,) = parameters(dut, "S_DEPTH")
    positions = S_POSITIONS.pack(spacing=1, first_y=0, first_x=0, kernel_w=3)

    async def cycles(each: int) -> int:
        """Of 4 positions of 3x3, with as many rows each."""
        await start(dut)
        set_inputs(dut, {"cols_i": 1, "col_tiles_i": 1, "passes_i": 1, "kept_i": 4 * each,
                         "positions_i": positions, "position_rows_i": each, "skip_i": 1})
        await FallingEdge(dut.clk)
        dut.start_i.value = 1
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        begin = get_sim_time("ns")
        for _ in range(2 * depth):  # until it is full
            await FallingEdge(dut.clk)
        dut.release_i.value = dut.release_words_i.value = 1
        await with_timeout(RisingEdge(dut.idle_o), 8 * each * PERIOD_NS, "ns")
        return round((get_sim_time("ns") - begin) / PERIOD_NS)

    few, many = 4 * depth, (1 << 18) + 3
    assert await cycles(many) - await cycles(few) == 4 * (many - few)
