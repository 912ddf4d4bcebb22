# SPDX-License-Identifier: Apache-2.0
"""Random programs on the core in fast simulation, on several array shapes: the whole memory must
equal the golden command model's in every bit, whatever the shape, the latencies and the pauses.

Every batch runs on one of the shapes, on the others in slow tests (tb/top/batches.py).
A failure prints the line that repeats it. Set SEED for other programs: batches take consecutive
seeds from there, batch 0 begins with it.
"""

from __future__ import annotations

import functools
import operator

import numpy as np
import pytest

from sat.config import SatConfig
from sat.plan import array_slots, tilings
from sat_golden import Windows
from sat_golden.defs import (
    COLS_MAX,
    M_MAX,
    MATMUL_ROW_INTERLEAVE_LSB,
    STRIDE_MAX,
    TENSOR_ALIGN,
    AffineSlot,
    Error,
    MatmulFlag,
    Opcode,
)
from sat_golden.descriptor import Descriptor
from sat_golden.memory import BURST_BEATS, lines_of
from sat_golden.tensors import tensors_of
from sat_golden.windows import OUTSIDE
from tb.common.rng import make_rng
from tb.common.runner import DEFAULT_SEED
from tb.top import random_program as programs
from tb.top.batches import RARE, SHAPES, batches, batches_on_shapes
from tb.top.board import Board, run_batch
from tb.top.giant_program import GIANT_MAX, GIANT_SIZE
from tb.top.giant_program import GIANTS as GIANT_CASES
from tb.top.giant_program import giant_program
from tb.top.random_windows import KERNELS
from tb.top.scatter import SPACE, scattered, scattered_program

MATMULS = 320
BATCH = 40
CONVS = 240
FEATURES = 80
FEATURE_BATCH = 20
MIXED = 40
MIXED_BATCH = 10
QUEUES = 60
QUEUE_BATCH = 20
LARGE = 20
LARGE_BATCH = 5
SCATTERED = 60
SCATTERED_BATCH = 20
GIANTS, GIANTS_OFTEN = 24, 12
GIANT_BATCH = 6
GIANT_SHAPE = "2x2"

# (function, seed) that once failed.
REGRESSIONS: list[tuple[str, int]] = []


on_every_shape = pytest.mark.parametrize("shape", SHAPES)


def check(core: Board, program: programs.Program, seed: int) -> None:
    counters = core.check(program, seed)
    slots = sum(array_slots(core.config, desc) for desc in program.descriptors)
    assert counters["ARRAY_SLOTS"] == slots, f"{slots} slots expected: {program}"


@batches_on_shapes(MATMULS, BATCH)
def test_matmuls(shape, batch):
    run_batch(shape, batch, BATCH,
              lambda core, seed: check(core, programs.matmul_program(seed), seed))


@batches_on_shapes(CONVS, BATCH)
def test_convs(shape, batch):
    run_batch(shape, batch, BATCH,
              lambda core, seed: check(core, programs.conv_program(seed), seed))


@batches_on_shapes(FEATURES, FEATURE_BATCH)
def test_features(shape, batch):
    run_batch(shape, batch, FEATURE_BATCH,
              lambda core, seed: check(core, programs.feature_program(seed), seed))


@batches_on_shapes(MIXED, MIXED_BATCH)
def test_mixed_programs(shape, batch):
    run_batch(shape, batch, MIXED_BATCH,
              lambda core, seed: check(core, programs.mixed_program(seed), seed))


@batches_on_shapes(QUEUES, QUEUE_BATCH)
def test_commands_that_share_memory(shape, batch):
    """Whatever was loaded ahead, results are those of one command after the other."""
    run_batch(shape, batch, QUEUE_BATCH,
              lambda core, seed: check(core, programs.queues_program(seed), seed))


@batches_on_shapes(LARGE, LARGE_BATCH, rare=(*RARE, "2x2"))
def test_large_matmuls(shape, batch):
    run_batch(shape, batch, LARGE_BATCH,
              lambda core, seed: check(core, programs.large_program(seed), seed),
              programs.LARGE_SIZE)


@batches_on_shapes(SCATTERED, SCATTERED_BATCH)
def test_scattered_programs(shape, batch):
    run_batch(shape, batch, SCATTERED_BATCH,
              lambda core, seed: check(core, scattered_program(seed), seed))


@batches(GIANTS, GIANT_BATCH, GIANTS_OFTEN)
def test_giant_programs(batch):
    run_batch(GIANT_SHAPE, batch, GIANT_BATCH,
              lambda core, seed: check(core, giant_program(seed), seed), GIANT_SIZE)


def test_stray_accesses_end_in_decerr():
    """One line of a scattered tensor moves away by one address bit: each read and each write that
    still goes to the old place is noticed."""
    def one(core: Board, seed: int) -> None:
        rng = make_rng("stray", seed)
        program = scattered(programs.matmul_program(seed), rng)
        tensors, moved = (tensors_of(desc) for desc in (*program.linear.descriptors,
                                                        *program.descriptors))
        places = [(x.written, line, address) for x, y in zip(tensors, moved)
                  for line, address in zip(lines_of(x)[0], lines_of(y)[0])]
        written, line, address = places[rng.integers(len(places))]
        written = written and (False, line, address) not in places  # else it is read first
        program.tags[(line - program.base) // TENSOR_ALIGN] ^= 1 << int(rng.integers(20))
        core.prepare(program, seed)
        end = core.run_to_end(program)
        # A read tells the beat, a write only where its burst began.
        beat = 2 * core.config.lanes
        code, reach = ((Error.WRITE_DECERR, BURST_BEATS * beat) if written
                       else (Error.READ_DECERR, beat))
        assert end.code == code, f"{end}: {program}"
        assert address - reach < end.address < address + TENSOR_ALIGN, f"{end} at {address:#x}"
        core.clear()

    run_batch("4x8-512", 0, BATCH, one)


@pytest.mark.skipif(not REGRESSIONS, reason="nothing has failed yet")
@on_every_shape
def test_regressions(shape):
    for name, seed in REGRESSIONS:
        run_batch(shape, 0, 1,
                  lambda core, _: check(core, getattr(programs, name)(seed), seed))


def all_descriptors(make, total: int) -> list[Descriptor]:
    """The commands that a test runs, on one shape or on all, with the default seed."""
    seeds = range(DEFAULT_SEED, DEFAULT_SEED + total)
    return [desc for seed in seeds for desc in make(seed).descriptors]


def test_matmuls_cover_every_case():
    drawn = all_descriptors(programs.matmul_program, MATMULS)
    assert len(drawn) >= 300
    assert {(desc.n, desc.m) for desc in drawn} == set(programs.LEGAL_NM)
    every_flag = max(programs.MATMUL_FLAGS)
    assert {desc.flags & every_flag for desc in drawn} == set(programs.MATMUL_FLAGS)
    assert {desc.flags >> MATMUL_ROW_INTERLEAVE_LSB for desc in drawn} == set(range(8))


def test_convs_cover_every_case():
    drawn = all_descriptors(programs.conv_program, CONVS)
    assert len(drawn) >= 200
    trans, *fields = zip(*((bool(desc.flags & MatmulFlag.A_TRANS), desc.step_log2,
                            desc.dilation_log2, desc.upsample_log2) for desc in drawn))
    assert set(trans) == {False, True}
    assert [set(field) for field in fields] == [set(range(4))] * 3
    assert {(desc.n, desc.m) for desc in drawn} == set(programs.LEGAL_NM)
    assert {(desc.kernel_h, desc.kernel_w) for desc in drawn} == set(KERNELS)
    every_flag = max(programs.EPILOGUE_FLAGS)
    assert {desc.flags & every_flag for desc in drawn} == set(programs.EPILOGUE_FLAGS)
    assert {desc.rows for desc in drawn} == {1, 2, 3, 4}
    channels = {desc.depth for desc in drawn}
    assert {depth % M_MAX for depth in channels} == set(range(M_MAX))
    assert (min(channels), max(channels)) == (1, 40)
    wholly_outside = [desc for desc in drawn if sees_nothing(desc.windows).any()]
    assert len(drawn) > len(wholly_outside) > 0


def sees_nothing(windows: Windows) -> np.ndarray:
    """Boolean, by window."""
    seen = [windows.pixels_at(position) != OUTSIDE for position in range(windows.positions)]
    return ~np.any(seen, axis=0)


@on_every_shape
def test_convs_cut_rows_and_reductions(shape):
    """Segments longer than a chunk, tiles that mix positions, and several column tiles."""
    config = SatConfig.from_name(shape)
    seen = set()
    for desc in all_descriptors(programs.conv_program, CONVS):
        plans = tilings(config, desc)
        seen.add(("phases", len(plans) > 1))
        # Sums want a column tile complete before the next: such a command stays whole.
        seen.add(("sums instead of phases", len(plans) == 1 and plans[0].col_tiles > 1
                  and desc.upsample_log2 > 0 and bool(desc.flags & MatmulFlag.SUMS)
                  and not desc.flags & MatmulFlag.A_TRANS))
        for plan in plans:
            seen.add(("row tiles", plan.row_tiles > 1))
            seen.add(("positions in a tile", plan.parts > plan.row_tiles))
            seen.add(("column tiles", plan.col_tiles > 1))
            seen.add(("positions of rows", plan.positions > 1))
            seen.add(("segments of the reduction", plan.k_segments > 1))
            seen.add(("nothing to multiply", plan.k_segments == 0))
            seen.add(("chunks", plan.k > config.chunk_k))
    assert len(seen) == 18, f"seen only {seen}"


def test_features_cover_every_case():
    drawn = all_descriptors(programs.feature_program, FEATURES)
    assert {(desc.opcode, desc.flags) for desc in drawn} == {
        (opcode, flags) for opcode in (Opcode.AFFINE, Opcode.STATS, Opcode.POOL)
        for flags in programs.flag_sets(opcode)}
    places = {(desc.slot(AffineSlot.OUT) == desc.slot(AffineSlot.X),
               desc.slot(AffineSlot.OUT) == desc.slot(AffineSlot.Y))
              for desc in drawn if desc.opcode == Opcode.AFFINE}
    assert places == {(False, False), (True, False), (False, True)}
    pools = [desc for desc in drawn if desc.opcode == Opcode.POOL]
    assert {desc.windows.positions for desc in pools} >= {1, 4, 9, 15, 16}
    assert {desc.cols % 2 for desc in pools} == {0, 1}


def test_mixed_programs_cover_every_command():
    drawn = all_descriptors(programs.mixed_program, MIXED)
    assert {desc.opcode for desc in drawn} == set(Opcode)
    assert {desc.overlap for desc in drawn} == {False, True}
    convs = [desc for desc in drawn if desc.opcode == Opcode.MATMUL and desc.has_windows]
    assert {desc.n == desc.m for desc in convs} == {False, True}


def test_scattered_programs_use_the_whole_address_space():
    """Each address bit is 1 here and 0 there, and so are the upper bits of strides (giant programs
    have them all); steps to the next row carry far."""
    slots = [slot for desc in all_descriptors(scattered_program, SCATTERED)
             for slot in desc.slots.values()]
    check_bits([slot.address for slot in slots], SPACE - TENSOR_ALIGN)
    check_bits([slot.stride for slot in slots], STRIDE_MAX >> 14 << 14)
    assert sum((slot.address ^ slot.address + slot.stride).bit_length() > 32 for slot in slots) > 20


def check_bits(values: list[int], mask: int) -> None:
    """Each bit of the mask is 1 in some of the values and 0 in others."""
    ones, zeros = (functools.reduce(operator.or_, each)
                   for each in (values, [~value for value in values]))
    assert ones & zeros & mask == mask, f"{ones:#x}, {zeros:#x}"


def test_giant_programs_use_every_bit_of_their_sizes():
    drawn = all_descriptors(giant_program, 4 * len(GIANT_CASES))
    assert {desc.opcode for desc in drawn} == set(Opcode) - {Opcode.FENCE}
    check_bits([slot.stride for desc in drawn for slot in desc.slots.values()], STRIDE_MAX)
    for name, most in ("rows", GIANT_MAX), ("cols", COLS_MAX), ("depth", GIANT_MAX):
        check_bits([getattr(desc, name) for desc in drawn], most)
    seen = [desc.windows for desc in drawn if desc.has_windows]
    for name in "map_h", "map_w", "out_h", "out_w":
        check_bits([getattr(windows, name) for windows in seen], COLS_MAX)
    for name in "pixels", "count":
        check_bits([getattr(windows, name) for windows in seen], GIANT_MAX)
    for name in "kernel_h", "kernel_w":
        check_bits([getattr(windows, name) for windows in seen], 15)
    for name in "pad_top", "pad_left":
        check_bits([getattr(windows, name) for windows in seen], 255)


@on_every_shape
def test_large_matmuls_overfill_the_scratchpads(shape):
    """Operands that are read once, and such that are read again for each tile."""
    config = SatConfig.from_name(shape)
    seen = set()
    for desc in all_descriptors(programs.large_program, LARGE):
        plan, = tilings(config, desc)
        seen.add(("A once", plan.a_resident or plan.col_tiles == 1))
        seen.add(("S once", plan.s_resident or plan.row_tiles == 1))
        seen.add(("several chunks", desc.depth > config.chunk_k))
    assert len(seen) == 6, f"seen only {seen}"
