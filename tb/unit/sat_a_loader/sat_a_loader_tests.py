# SPDX-License-Identifier: Apache-2.0
"""sat_a_loader: chunks of both memory layouts, of matrices and of windows over feature maps, in a
ring that the consumer empties by chunks; rows of a map come one or two beats at a time."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat.plan import Array, Tiling
from sat_golden.windows import OUTSIDE, Windows
from tb.common.clock import start
from tb.common.dma_ports import STALLS, ReadPorts
from tb.common.lanes import unpack, unpack_array
from tb.common.matrix import Matrix, set_inputs
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import log2
from tb.top.random_windows import KERNELS, KINDS, draw_grid, draw_windows

MOST_PIXELS = 2000

WINDOW_INPUTS = ("map_h", "map_w", "out_h", "out_w", "kernel_w", "step_log2", "dilation_log2",
                 "upsample_log2", "pad_top", "pad_left")


@dataclass
class Chunk:
    """Rows and reduction elements of A's `segment` of the reduction from (row, k) on; `words` in
    each bank from `begin` on."""

    segment: int
    row: int
    k: int
    rows: int
    length: int
    words: int  # an even number
    begin: int


def chunks_of(plan: Tiling, passes: int) -> list[Chunk]:
    """Chunks in the order of loading, one behind the other in the ring."""
    shape, chunks, begin = plan.array, [], 0
    for _ in range(passes):
        for row in range(0, plan.i, plan.row_span):
            for segment in range(plan.k_segments):
                for k in range(0, plan.k, shape.chunk_k):
                    length = min(shape.chunk_k, plan.k - k)
                    words = -(-length // shape.lanes) * plan.t2
                    words += words % 2
                    chunks.append(Chunk(segment, row, k, min(plan.row_span, plan.i - row), length,
                                        words, begin))
                    begin = (begin + words) % shape.a_depth
    return chunks


class Banks:
    """The scratchpad's contents, [bank][RAM][word], and which words of it are in use."""

    def __init__(self, shape: Array):
        self.shape = shape
        self.data = np.zeros((shape.rows, 2, shape.a_depth // 2, shape.lanes), np.uint16)
        self.in_use: set[int] = set()  # even words and the odd ones behind them

    def write(self, dut) -> None:
        banks = dut.write_bank_o.value.to_unsigned()
        if not banks:
            return
        addresses = unpack(dut.write_addr_o.value.to_unsigned(), log2(self.shape.a_depth) - 1, 2)
        lanes = [lane for lane in range(self.shape.lanes)
                 if dut.write_lane_o.value.to_unsigned() >> lane & 1]
        column = unpack(dut.write_column_o.value.to_unsigned(), 16, self.shape.rows)
        beats = unpack_array(dut.write_beat_o.value.to_unsigned(), np.uint16,
                             2 * self.shape.lanes).reshape(2, -1)
        for ram in (0, 1):
            for row in range(self.shape.rows):
                if banks >> (ram * self.shape.rows + row) & 1:
                    assert addresses[ram] not in self.in_use, "overwrites a word still in use"
                    values = column[row] if dut.write_trans_o.value else beats[ram, lanes]
                    self.data[row, ram, addresses[ram], lanes] = values

    def addresses(self, chunk: Chunk) -> set[int]:
        """Of the chunk, in either RAM."""
        return {(chunk.begin // 2 + pair) % (self.shape.a_depth // 2)
                for pair in range(chunk.words // 2)}

    def check(self, plan: Tiling, chunk: Chunk, a: np.ndarray) -> None:
        """Every element of the chunk that exists in A [segment][I][K] is in its place."""
        row_words = -(-chunk.length // self.shape.lanes)
        block, place = np.divmod(np.arange(plan.t2 * row_words), row_words)
        word = (chunk.begin + block * row_words + place) % self.shape.a_depth
        # No two neighbours of a row, or words of blocks 2b and 2b + 1, lie in the same RAM.
        ram = (word + block * (1 - row_words % 2)) % 2
        words = self.data[:, ram, word // 2]  # [bank][t2, word][lane]
        words = words.reshape(self.shape.rows, plan.t2, -1)[:, :, : chunk.length]
        if plan.a_trans:
            words = words.transpose(1, 0, 2)
        rows = words.reshape(plan.row_span, chunk.length)
        expected = a[chunk.segment, chunk.row : chunk.row + chunk.rows,
                     chunk.k : chunk.k + chunk.length]
        for place in np.argwhere(rows[: chunk.rows] != expected)[:1]:
            raise AssertionError(f"{plan} {chunk}: row {place[0]} element {place[1]} differs")


async def load(dut, rng: np.random.Generator, stalls: str, plan: Tiling, passes: int,
               matrix: Matrix, a: np.ndarray, inputs: dict[str, int]) -> list:
    """Loads A [segment][I][K] from `matrix`, for a consumer that takes and forgets chunks at
    random, never one that is not committed. Returns the requests."""
    chunks = chunks_of(plan, passes)
    port = ReadPorts(dut, matrix.memory.fetch, rng, STALLS[stalls],
                     pairs=bool(inputs.get("conv_i") and not inputs["trans_i"]))
    banks = Banks(plan.array)
    await start(dut)
    set_inputs(dut, matrix.inputs() | inputs | {
        "rows_i": plan.i, "depth_i": plan.k, "k_segments_i": plan.k_segments,
        "position_rows_i": plan.i // plan.positions,
        "row_tiles_i": plan.row_tiles, "passes_i": passes, "t2_log2_i": log2(plan.t2),
        "start_i": 1})
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    waiting: deque[Chunk] = deque()  # committed, not taken
    taken: deque[Chunk] = deque()  # not released
    committed = silent = 0
    ahead = plan.array.chunk_k // plan.array.lanes * plan.t2
    ahead = 2 * (ahead + ahead % 2)
    lines = plan.row_span * plan.array.chunk_k if plan.positions > 1 else 0
    patience = 5000 + 10 * (plan.array.rows * ahead + lines)  # cycles from chunk to chunk
    while committed < len(chunks) or waiting or taken:
        banks.write(dut)
        if dut.commit_o.value:
            chunk = chunks[committed]
            banks.check(plan, chunk, a)
            banks.in_use |= banks.addresses(chunk)
            waiting.append(chunk)
            committed += 1
            silent = 0
        assert sum(chunk.words for chunk in waiting) <= ahead
        release = bool(taken) and rng.random() < 0.05
        dut.release_i.value = int(release)
        if release:
            chunk = taken.popleft()
            dut.release_words_i.value = chunk.words
            banks.in_use -= banks.addresses(chunk)
        take = bool(waiting) and rng.random() < 0.05
        dut.taken_i.value = int(take)
        if take:
            dut.taken_words_i.value = waiting[0].words
            taken.append(waiting.popleft())
        port.cycle()
        silent += 1
        assert silent < patience
        await FallingEdge(dut.clk)
    dut.release_i.value = 0
    assert dut.idle_o.value and not port.queue
    return port.requests


def random_windows(rng: np.random.Generator, most: int) -> Windows:
    """1..`most` windows of any kind."""
    while True:
        kernel = KERNELS[rng.integers(len(KERNELS))]
        windows = draw_windows(rng, str(rng.choice(KINDS)), kernel, int(rng.integers(3)),
                               int(rng.integers(2)), draw_grid(rng))
        if windows.count <= most and windows.pixels <= MOST_PIXELS:
            return windows


def shape_of(dut) -> Array:
    rows, a_depth, chunk_k, data_w = parameters(dut, "ROWS", "A_DEPTH", "CHUNK_K", "DATA_W")
    return Array(rows, 8, int(os.environ["T"]), a_depth=a_depth, chunk_k=chunk_k, data_w=data_w)


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), trans=[0, 1], passes=[1, 3], hint=[0, 1, 7])
async def test_matrix(dut, stalls, trans, passes, hint):
    rng = make_rng(f"{stalls} {trans} {passes} {hint}")
    shape = shape_of(dut)
    span = Tiling(shape, 1, 1, 1, row_interleave=hint).row_span
    plan = Tiling(shape, int(rng.integers(1, 2.5 * span)), 1,
                  int(rng.integers(1, 4 * shape.chunk_k)), row_interleave=hint,
                  a_trans=bool(trans))
    shape_in_memory = (plan.k, plan.i) if trans else (plan.i, plan.k)
    matrix = Matrix(rng, *shape_in_memory, 16)
    a = matrix.elements.T if trans else matrix.elements
    await load(dut, rng, stalls, plan, passes, matrix, a[None], {"trans_i": trans})


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), trans=[0, 1], passes=[1, 2], hint=[0, 1, 7])
async def test_convolution(dut, stalls, trans, passes, hint):
    """As many requests as there are lines inside the map; the others are zeros. With `trans` a line
    is the part of a tile's rows that belongs to one position."""
    rng = make_rng(f"{stalls} {trans} {passes} {hint}")
    shape = shape_of(dut)
    span = Tiling(shape, 1, 1, 1, row_interleave=hint).row_span
    channels = int(rng.integers(1, (1.5 * span if trans else 2.5 * shape.chunk_k) + 1))
    if trans and rng.random() < 0.6:
        channels = int(rng.integers(1, shape.rows + 2))
    windows = random_windows(rng, 2 * (shape.chunk_k if trans else span + 4))
    plan = Tiling.conv(shape, windows, channels, 1, row_interleave=hint, a_trans=bool(trans))
    matrix = Matrix(rng, windows.pixels, channels, 16)
    seen = [windows.gather(matrix.elements, position) for position in range(windows.positions)]
    a = np.concatenate(seen, axis=1).T[None] if trans else np.array(seen)
    fields = windows.fields()
    inputs = {f"{name}_i": fields[name] for name in WINDOW_INPUTS}
    requests = await load(dut, rng, stalls, plan, passes, matrix, a,
                          inputs | {"trans_i": trans, "conv_i": 1})
    inside = [int((windows.pixels_at(position) != OUTSIDE).sum())
              for position in range(windows.positions)]
    if trans:
        parts = {(row // plan.row_span, row // channels) for row in range(plan.i)}
        assert len(parts) == plan.parts
        expected = sum(inside[position] for _, position in parts)
    else:
        expected = sum(inside) * -(-plan.k // shape.chunk_k)
    assert len(requests) == expected * passes


@cocotb.test()
async def test_lines_follow_each_other(dut):
    """A line's request per cycle, with at most two cycles between chunks (three where one is a
    beat), also of a map."""
    rng = make_rng()
    shape = shape_of(dut)
    for trans in (0, 1):
        matrix = Matrix(rng, 400, 1, 16)
        port = ReadPorts(dut, matrix.memory.fetch, rng, STALLS["none"])
        await start(dut)
        inputs = {"rows_i": 1 if trans else 400, "depth_i": 400 if trans else 1, "trans_i": trans,
                  "row_tiles_i": 1 if trans else 400 // shape.rows, "k_segments_i": 1,
                  "position_rows_i": 1, "passes_i": 1, "conv_i": 1, "map_h_i": 20,
                  "map_w_i": 20, "out_h_i": 20, "out_w_i": 20, "kernel_w_i": 1, "start_i": 1}
        set_inputs(dut, matrix.inputs() | inputs)
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        words = -(-min(shape.chunk_k, 400 if trans else 1) // shape.lanes)
        words += words % 2
        dut.taken_words_i.value = dut.release_words_i.value = words
        cycles = chunks = 0
        while not dut.idle_o.value:
            dut.taken_i.value = dut.release_i.value = dut.commit_o.value
            chunks += int(dut.commit_o.value)
            port.cycle()
            cycles += 1
            await FallingEdge(dut.clk)
        assert len(port.requests) == 400
        between = 2 if shape.chunk_k > shape.lanes else 3
        assert cycles <= 400 + between * chunks + 30, (trans, cycles, chunks)
