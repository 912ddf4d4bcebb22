# SPDX-License-Identifier: Apache-2.0
"""sat_c_store: tiles in a modelled output buffer become C in memory, in every mode, in either
order of a tile's rows, and the rows of a phase; and zeros where there are no tiles."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from sat.plan import Array, Tiling
from sat_golden import Windows, vector
from sat_golden.command_model import has_overflow
from sat_golden.feature import stats
from sat_golden.multiply import epilogue
from sat_golden.stimulus import mixed_fp16, random_bits
from tb.common.clock import start
from tb.common.dma_ports import MOST_WRITE_BEATS, STALLS, Stalls, WritePort
from tb.common.lanes import pack, pack_array
from tb.common.matrix import Matrix, set_inputs
from tb.common.parameters import array_of
from tb.common.rng import make_rng
from tb.common.walk import KINDS, Walk, c_rows, draw_walk, tile_inputs

USES = "bias", "residual", "relu", "mask", "sums"
ALL_STALLS = {**STALLS, "requests": Stalls(requests=0.98)}
DATA_LATE = Stalls(data=0.97, ahead=1 << 16)
QUEUE = 32  # beats


@dataclass
class Command:
    """One C with its sums and epilogue operands."""

    walk: Walk
    blank: bool
    as_single: bool
    use: dict[str, bool]  # bias, residual, relu, mask, sums
    acc: np.ndarray  # uint32 [rows][J], accumulator format
    bias: np.ndarray
    residual: np.ndarray
    mask: np.ndarray

    @property
    def plan(self) -> Tiling:
        return self.walk.plan

    def expected(self) -> np.ndarray:
        modes = {name: getattr(self, name) for name in ("bias", "residual", "mask")
                 if self.use[name]}
        return epilogue(vector.acc_to_fp32(self.acc), **modes, relu=self.use["relu"],
                        out_fp32=self.as_single)

    def sums(self) -> np.ndarray:
        c = self.expected()
        return np.concatenate(stats(vector.fp32_to_fp16(c) if self.as_single else c))


def draw_any(rng: np.random.Generator, shape: Array, as_single: bool, special: float) -> Command:
    nm = ((2, 2), (2, 8), (4, 16))[rng.integers(3)]  # whether the array folds depends on M
    kind, blank = str(rng.choice(KINDS)), bool(rng.random() < 0.2)
    walk = draw_walk(rng, shape, int(rng.integers(0, 5)), kind, nm)
    use = {name: bool(rng.integers(2)) for name in USES}
    use["sums"] &= kind != "phase" and not blank
    return draw_command(rng, walk, as_single, special, use, blank)


def plain_rows(shape: Array, rows: int, cols: int, row_interleave: int) -> Walk:
    plan = Tiling(shape, rows, cols, 1, row_interleave=row_interleave)
    return Walk(plan, np.arange(rows), rows)


def draw_command(rng: np.random.Generator, walk: Walk, as_single: bool, special: float,
                 use: dict[str, bool], blank: bool = False) -> Command:
    rows, j = len(walk.rows), walk.plan.j
    half = mixed_fp16(rng, (rows, j), special)
    single = vector.fp32_mul(vector.fp16_to_fp32(half), rng.choice(
        np.array([1, 1.5, 3e4], np.float32), (rows, j)).view(np.uint32))
    if blank:
        single[:] = 0
    bias = np.where(rng.random(j) < special, random_bits(rng, j, np.uint32),
                    rng.standard_normal(j).astype(np.float32).view(np.uint32))
    # Zero, and what differs from it in one bit: each bit alone decides here and there.
    near_zero = rng.choice(np.array([0, *(1 << k for k in range(16))], np.uint16), (rows, j))
    mask = np.where(rng.random((rows, j)) < 0.5, near_zero, mixed_fp16(rng, (rows, j), special))
    residual = mixed_fp16(rng, (rows, j), special)
    if as_single:
        residual = np.where(rng.random((rows, j)) < special, random_bits(rng, (rows, j), np.uint32),
                            rng.standard_normal((rows, j)).astype(np.float32).view(np.uint32))
    return Command(walk, blank, as_single, use, vector.fp32_to_acc(single), bias, residual, mask)


def noise(rng: np.random.Generator, bits: int) -> int:
    return pack_array(random_bits(rng, bits // 32, np.uint32))


class Operands:
    """What surrounds the store: output buffer, in whose half `half` the first tile lies, bias, and
    the beats of residual and mask."""

    def __init__(self, dut, command: Command, rng: np.random.Generator, p_valid: float,
                 half: int):
        self.dut, self.command, self.rng, self.p_valid = dut, command, rng, p_valid
        plan, shape = command.plan, command.plan.array
        tile_words = shape.rows * shape.t
        self.words = []  # of all tiles, in arrival order
        for row, col in plan.tiles:
            tile = random_bits(rng, (plan.row_span, plan.col_span), np.uint32) >> 1
            end = min(row + plan.row_span, plan.i)
            part = command.acc[row:end, col : col + plan.col_span]
            tile[: part.shape[0], : part.shape[1]] = part
            # rows in drain order, [r][row of a PE, half][column of a PE, column]
            # -> [r][row, column of a PE][half, column]
            halves = 1 + plan.folded
            order = tile[np.array(plan.drain_order(row)) - row]
            order = order.reshape(shape.rows, plan.pe_rows, halves, -1, shape.cols // halves)
            order = order.transpose(0, 1, 3, 2, 4)
            self.words += [pack(word, 31) for word in order.reshape(tile_words, shape.cols)]
        self.aux = {name: self._beats(getattr(command, name)) if command.use[name] else []
                    for name in ("residual", "mask")}
        self.aux_valid = dict.fromkeys(self.aux, False)
        self.drained = self.taken = 0  # PE rows put into the buffer, tiles taken out
        self.buffer = [0] * 2 * tile_words
        self.begin = half * tile_words
        self.bias_tile = 0
        self.bias_ready = False

    def _beats(self, matrix: np.ndarray) -> list[int]:
        plan = self.command.plan
        beats = []
        for first_row, col in plan.tiles:
            for row in plan.drain_order(first_row):
                if row < plan.i:
                    part = matrix[row, col : col + plan.tile_cols(col)]
                    count = 2 * plan.array.lanes // part.itemsize
                    padded = np.concatenate([part, np.zeros(-part.size % count, part.dtype)])
                    beats += [pack_array(beat) for beat in padded.reshape(-1, count)]
        return beats

    def drive(self) -> None:
        """Inputs of this cycle; a valid once given stays. What is not valid is noise."""
        dut, plan, rng = self.dut, self.command.plan, self.rng
        shape = plan.array
        room = self.drained < (self.taken + 2) * shape.rows and self.drained < len(
            self.words) // shape.t
        row_done = room and not self.command.blank and rng.random() < 0.2
        dut.row_done_i.value = int(row_done)
        if row_done:
            for number in range(self.drained * shape.t, (self.drained + 1) * shape.t):
                self.buffer[(self.begin + number) % len(self.buffer)] = self.words[number]
            self.drained += 1
        for name, beats in self.aux.items():
            valid = bool(beats) and (self.aux_valid[name] or rng.random() < self.p_valid)
            self.aux_valid[name] = valid
            getattr(dut, f"{name}_valid_i").value = int(valid)
            beat = getattr(dut, f"{name}_i")
            beat.value = beats[0] if valid else noise(rng, len(beat))
        self.bias_ready = self.command.use["bias"] and (
            self.bias_ready or rng.random() < self.p_valid)
        dut.bias_ready_i.value = int(self.bias_ready)

    def react(self) -> None:
        """What the store did in this cycle; the RAMs' answers come in the next."""
        dut, command, plan = self.dut, self.command, self.command.plan
        self.taken += int(dut.tile_taken_o.value)
        for name, beats in self.aux.items():
            if getattr(dut, f"{name}_ready_o").value:
                assert self.aux_valid[name]
                beats.pop(0)
                self.aux_valid[name] = False
        lanes = len(dut.bias_i) // 32
        at = self.bias_tile * plan.col_span + dut.bias_group_o.value.to_unsigned() * lanes
        values = random_bits(self.rng, lanes, np.uint32)
        if self.bias_ready:
            part = command.bias[at : at + lanes]
            values[: part.size] = part
        if dut.bias_next_o.value:
            assert self.bias_ready
            self.bias_tile += 1
            self.bias_ready = False
        word = self.buffer[dut.buffer_addr_o.value.to_unsigned()]
        self.answers = {"bias_i": pack_array(values), "buffer_word_i": word}


def image_of(matrix: Matrix, rows: np.ndarray, elements: np.ndarray) -> np.ndarray:
    """The matrix's memory once these rows hold the elements, and all else as now."""
    image = matrix.memory.data.copy()
    row_bytes = matrix.cols * matrix.bits // 8
    image.reshape(matrix.rows, matrix.stride)[rows, :row_bytes] = elements.astype(
        elements.dtype.newbyteorder("<")).view(np.uint8).reshape(-1, row_bytes)
    return image


async def check(dut, rng: np.random.Generator, command: Command, stalls: Stalls,
                p_valid: float, half: int) -> tuple[int, int]:
    """Stores C, whose first tile lies in this half of the output buffer; that of the next one, and
    the most beats that were asked for and not taken."""
    plan = command.plan
    rows = command.walk.total
    c = Matrix(rng, rows, plan.j, 32 if command.as_single else 16)
    sums = Matrix(rng, 2, plan.j, 32)
    written = [(c, command.walk.rows, command.expected())]
    written += [(sums, np.arange(2), command.sums())] * command.use["sums"]
    operands = Operands(dut, command, rng, p_valid, half)
    stored = 0

    def store(address: int, data: int, strobes: int) -> None:
        nonlocal stored
        stored += 1
        of_sums = command.use["sums"] and 0 <= address - sums.base < sums.memory.data.size
        (sums if of_sums else c).memory.store(address, data, strobes)

    port = WritePort(dut, store, rng, stalls)
    # Requests cover the rows of C, tile by tile, and of the sums, and nothing else.
    beats = sum(-(-plan.tile_cols(col) * c.bits // 8 // port.beat_bytes)
                for row, col in plan.tiles for r in plan.drain_order(row) if r < plan.i)
    beats += command.use["sums"] * sum(-(-plan.tile_cols(col) * 4 // port.beat_bytes) * 2
                                       for row, col in plan.tiles if row == 0)
    images = [(matrix, image_of(matrix, rows, elements)) for matrix, rows, elements in written]
    set_inputs(dut, {f"sums_{name}": value for name, value in sums.inputs().items()})
    set_inputs(dut, c.inputs() | command.walk.inputs()
               | {"as_single_i": command.as_single, "fold_i": plan.folded,
                  "blank_i": command.blank}
               | {f"use_{name}_i": used for name, used in command.use.items()} | {"start_i": 1})
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    overflow = False
    cycles = most = 0
    while not (dut.idle_o.value and port.idle):
        asked, taken = sum(count for _, count in port.requests), stored + len(port.beats)
        left = beats - asked, beats - taken
        most = max(most, asked - taken)
        assert not (dut.idle_o.value and any(left)), f"idle with (requests, data) left: {left}"
        operands.drive()
        port.cycle()
        await Timer(1, "ns")  # the operands' handshakes depend on this cycle's inputs
        operands.react()
        overflow |= bool(dut.overflow_o.value)
        cycles += 1
        assert cycles < 100_000
        await FallingEdge(dut.clk)
        set_inputs(dut, operands.answers)

    for matrix, image in images:
        for at in np.flatnonzero(image != matrix.memory.data)[:1]:
            row, byte = divmod(int(at), matrix.stride)
            raise AssertionError(f"{plan} {command.use} {'C' if matrix is c else 'sums'} row {row} "
                                 f"column {byte * 8 // matrix.bits}: expected {image[at]:02x} "
                                 f"actual {matrix.memory.data[at]:02x}")
    assert overflow == any(has_overflow(elements) for _, _, elements in written), plan
    assert operands.taken == (0 if command.blank else len(plan.tiles))
    assert not any(operands.aux.values())
    assert sum(count for _, count in port.requests) == beats
    return half if command.blank else (half + len(plan.tiles)) % 2, most


@cocotb.test()
@cocotb.parametrize(stalls=list(ALL_STALLS), p_valid=[1.0, 0.2], as_single=[False, True])
async def test_modes(dut, stalls, p_valid, as_single):
    """Random shapes and epilogues, commands following each other without a reset."""
    rng = make_rng(f"{stalls} {p_valid} {as_single}")
    shape = array_of(dut, "ROWS", "COLS", "T", "DATA_W")
    await start(dut)
    half = 0
    for number in range(4):
        command = draw_any(rng, shape, as_single, (0.0, 0.02, 0.3, 0.02)[number])
        half, _ = await check(dut, rng, command, ALL_STALLS[stalls], p_valid, half)


@cocotb.test()
@cocotb.parametrize(as_single=[False, True])
async def test_beat_queue_runs_full(dut, as_single):
    """Rows of a beat each, whose requests are taken long before their data: the store stops in
    time, with groups under way of which each becomes a beat, but not before."""
    rng = make_rng(f"full {as_single}")
    shape = array_of(dut, "ROWS", "COLS", "T", "DATA_W")
    await start(dut)
    half = 0
    for _ in range(2):
        walk = plain_rows(shape, int(rng.integers(45, 60)), int(rng.integers(1, 3)), 4)
        command = draw_command(rng, walk, as_single, 0.0, dict.fromkeys(USES, False))
        half, most = await check(dut, rng, command, DATA_LATE, 1.0, half)
        assert most >= QUEUE - 1, f"{most} beats ahead"


@cocotb.test()
async def test_rows_of_several_requests(dut):
    """At many addresses, each bit of which decides where the second request goes."""
    rng = make_rng()
    shape = array_of(dut, "ROWS", "COLS", "T", "DATA_W")
    await start(dut)
    half = 0
    for _ in range(16):
        cols = shape.cols * shape.t - int(rng.integers(4))
        walk = plain_rows(shape, int(rng.integers(1, 3)), cols, 0)
        command = draw_command(rng, walk, True, 0.0, dict.fromkeys(USES, False))
        half, _ = await check(dut, rng, command, STALLS["none"], 1.0, half)


async def check_first(dut, rng: np.random.Generator, plan: Tiling, row_of: Callable[[int], int],
                      record: int = 0) -> None:
    """The first requests for a C of any size, of zeros, whose row i is row_of(i) of its matrix; a
    reset ends it."""
    base, stride = 64 * int(rng.integers(1 << 32)), 64 * int(rng.integers(1, 1 << 13))
    as_single = bool(rng.integers(2))
    port = WritePort(dut, lambda *beat: None, rng, STALLS["none"])

    def requests() -> Iterator[tuple[int, int]]:
        size, beat = 4 if as_single else 2, port.beat_bytes
        for col in range(0, plan.j, plan.col_span):
            beats = -(-plan.tile_cols(col) * size // beat)
            for first in range(0, plan.i, plan.row_span):
                for row in plan.drain_order(first):
                    at = base + row_of(row) * stride + col * size
                    for sent in range(0, beats if row < plan.i else 0, MOST_WRITE_BEATS):
                        yield at + sent * beat, min(MOST_WRITE_BEATS, beats - sent)

    expected = list(itertools.islice(requests(), 100))
    set_inputs(dut, {f"use_{name}_i": 0 for name in USES} | tile_inputs(plan)
               | {"base_i": base, "stride_i": stride, "as_single_i": as_single, "blank_i": 1,
                  "rows_i": plan.i, "trans_i": plan.a_trans, "c_rows_i": record, "start_i": 1})
    cycles = 0
    while len(port.requests) < len(expected):
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        port.cycle()
        cycles += 1
        assert cycles < 10_000, f"{plan}: {len(port.requests)} requests of {len(expected)}"
    assert port.requests == expected, f"{plan}: {port.requests} for {expected}"
    dut.rst_n.value = 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1


@cocotb.test()
async def test_sizes_of_every_magnitude(dut):
    """One tile more than each power of two, of rows and of columns, and phases of maps of all
    sizes."""
    rng = make_rng()
    shape = array_of(dut, "ROWS", "COLS", "T", "DATA_W")
    await start(dut)
    spans = Tiling(shape, 1, 1, 1)
    for power in range(24):
        rows = (spans.row_span << power) + int(rng.integers(1, spans.row_span + 1))
        cols = (spans.col_span << power) + int(rng.integers(1, spans.col_span + 1))
        few = int(rng.integers(1, 4))
        for size in ((rows, few), (few, cols)):
            if size[0] < 1 << 24 and size[1] < 1 << 16:
                for trans in (False, True):
                    plan = Tiling(shape, *size, 1, a_trans=trans)
                    await check_first(dut, rng, plan, lambda row: row)
    for _ in range(40):
        up = int(rng.integers(1, 4))
        out_h = 1 << int(rng.integers(11)) | int(rng.integers(1 << 10)) >> int(rng.integers(11))
        out_w = 1 << int(rng.integers(9)) | int(rng.integers(1 << 9)) >> int(rng.integers(10))
        windows = Windows(int(rng.integers(1, 9)), 1, 1, out_h, out_w, upsample_log2=up)
        y, x = (int(rng.integers(min(1 << up, side))) for side in (out_h, out_w))
        line, image = (len(range(at, side, 1 << up)) for at, side in ((x, out_w), (y, out_h)))

        def row_of(row: int) -> int:
            (over, number), of_line = divmod(row // line, image), row % line
            return (over * out_h + y + (number << up)) * out_w + x + (of_line << up)

        plan = Tiling(shape, windows.images * image * line, int(rng.integers(1, 4)), 1)
        await check_first(dut, rng, plan, row_of, c_rows(windows, np.array([row_of(0)])))
