# SPDX-License-Identifier: Apache-2.0
"""sat_a_loader: chunks of both memory layouts, in a ring that the consumer empties by chunks."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.dma_ports import STALLS, ReadPorts
from tb.common.lanes import unpack, unpack_array
from tb.common.matrix import Matrix, set_inputs
from tb.common.parameters import parameters
from tb.common.plan import LANES, Plan, Shape, log2
from tb.common.rng import make_rng

T = int(os.environ["T"])


@dataclass
class Chunk:
    """Rows and reduction elements of A from (row, k) on; `words` in each bank from `begin` on."""

    row: int
    k: int
    length: int
    words: int
    begin: int


def chunks_of(plan: Plan, passes: int) -> list[Chunk]:
    """Chunks in the order of loading, one behind the other in the ring."""
    shape, chunks, begin = plan.shape, [], 0
    for _ in range(passes):
        for row in range(0, plan.i, plan.row_span):
            for k in range(0, plan.k, shape.chunk_k):
                length = min(shape.chunk_k, plan.k - k)
                words = -(-length // LANES) * plan.t2
                chunks.append(Chunk(row, k, length, words, begin))
                begin = (begin + words) % shape.a_depth
    return chunks


class Banks:
    """The scratchpad's contents, and which words of it are in use."""

    def __init__(self, shape: Shape):
        self.shape = shape
        self.data = np.zeros((shape.rows, shape.a_depth, LANES), np.uint16)
        self.in_use: set[int] = set()

    def write(self, dut) -> None:
        banks = dut.write_bank_o.value.to_unsigned()
        if not banks:
            return
        address = dut.write_addr_o.value.to_unsigned()
        assert address not in self.in_use, "overwrites a word still in use"
        lanes = [lane for lane in range(LANES)
                 if dut.write_lane_o.value.to_unsigned() >> lane & 1]
        column = unpack(dut.write_column_o.value.to_unsigned(), 16, self.shape.rows)
        beat = unpack_array(dut.write_beat_o.value.to_unsigned(), np.uint16, LANES)
        for row in range(self.shape.rows):
            if banks >> row & 1:
                values = column[row] if dut.write_trans_o.value else beat[lanes]
                self.data[row, address, lanes] = values

    def addresses(self, chunk: Chunk) -> np.ndarray:
        return (chunk.begin + np.arange(chunk.words)) % self.shape.a_depth

    def check(self, plan: Plan, chunk: Chunk, a: np.ndarray) -> None:
        """Every element of the chunk that exists in A [I][K] is in its place."""
        words = self.data[:, self.addresses(chunk)]  # [bank][t2, word][lane]
        words = words.reshape(self.shape.rows, plan.t2, -1)[:, :, : chunk.length]
        rows = words.transpose(1, 0, 2).reshape(plan.row_span, chunk.length)
        expected = a[chunk.row : chunk.row + plan.row_span, chunk.k : chunk.k + chunk.length]
        for place in np.argwhere(rows[: len(expected)] != expected)[:1]:
            raise AssertionError(f"{plan} {chunk}: row {place[0]} element {place[1]} differs")


@cocotb.test()
@cocotb.parametrize(stalls=list(STALLS), trans=[0, 1], passes=[1, 3], hint=[0, 1, 7])
async def test_chunks(dut, stalls, trans, passes, hint):
    """The consumer takes and forgets chunks at random, never one that is not committed."""
    rng = make_rng(f"{stalls} {trans} {passes} {hint}")
    rows, a_depth, chunk_k = parameters(dut, "ROWS", "A_DEPTH", "CHUNK_K")
    shape = Shape(rows, 8, T, a_depth=a_depth, chunk_k=chunk_k)
    span = Plan(shape, 1, 1, 1, hint=hint).row_span
    plan = Plan(shape, int(rng.integers(1, 2.5 * span)), 1, int(rng.integers(1, 4 * chunk_k)),
                hint=hint)
    shape_in_memory = (plan.k, plan.i) if trans else (plan.i, plan.k)
    matrix = Matrix(rng, *shape_in_memory, 16)
    a = matrix.elements.T if trans else matrix.elements
    chunks = chunks_of(plan, passes)
    port = ReadPorts(dut, matrix.memory.fetch, rng, STALLS[stalls])
    banks = Banks(shape)
    await start(dut)
    set_inputs(dut, matrix.inputs() | {
        "trans_i": trans, "rows_i": plan.i, "depth_i": plan.k, "row_tiles_i": plan.row_tiles,
        "passes_i": passes, "t2_log2_i": log2(plan.t2), "start_i": 1})
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    waiting: deque[Chunk] = deque()  # committed, not taken
    taken: deque[Chunk] = deque()  # not released
    committed = silent = 0
    while committed < len(chunks) or waiting or taken:
        banks.write(dut)
        if dut.commit_o.value:
            chunk = chunks[committed]
            banks.check(plan, chunk, a)
            banks.in_use |= set(banks.addresses(chunk).tolist())
            waiting.append(chunk)
            committed += 1
            silent = 0
        assert sum(chunk.words for chunk in waiting) <= 2 * chunk_k // LANES * plan.t2
        release = bool(taken) and rng.random() < 0.05
        dut.release_i.value = int(release)
        if release:
            chunk = taken.popleft()
            dut.release_words_i.value = chunk.words
            banks.in_use -= set(banks.addresses(chunk).tolist())
        take = bool(waiting) and rng.random() < 0.05
        dut.taken_i.value = int(take)
        if take:
            dut.taken_words_i.value = waiting[0].words
            taken.append(waiting.popleft())
        port.cycle()
        silent += 1
        assert silent < 5000
        await FallingEdge(dut.clk)
    dut.release_i.value = 0
    assert dut.idle_o.value and not port.queue
