# SPDX-License-Identifier: Apache-2.0
"""Random programs on the core in fast simulation, on several array shapes: the whole memory must
equal the golden command model's in every bit, whatever the shape, the latencies and the pauses.

A failure prints the line that repeats it. Set SEED for other programs: batches take consecutive
seeds from there, batch 0 begins with it.
"""

from __future__ import annotations

import pytest
from sat.config import SatConfig
from sat.schedule import legal_maps
from sat_golden.compress import compressed_rows
from sat_golden.defs import MATMUL_MAP_LSB, MatmulFlag, Opcode
from sat_golden.descriptor import Descriptor

from tb.top import random_program as programs
from tb.top.board import Board, each_seed, run_batch

SHAPES = ("2x2", "4x8", "8x8")
MATMULS = 320
BATCH = 40
MIXED = 40
MIXED_BATCH = 10
LARGE = 16
LARGE_BATCH = 4

# (function, seed) that once failed.
REGRESSIONS: list[tuple[str, int]] = []


def batches(total: int, size: int):
    return pytest.mark.parametrize("batch", range(total // size))


on_every_shape = pytest.mark.parametrize("shape", SHAPES)


def array_slots(config: SatConfig, desc: Descriptor) -> int:
    """Slots of T cycles in which the array multiplies: one per tile and kept element."""
    if desc.opcode != Opcode.MATMUL:
        return 0
    hint = desc.flags >> MATMUL_MAP_LSB
    t2 = 1 << min(hint, max(legal_maps(config, desc.n, desc.m)))
    row_tiles = -(-desc.rows // (config.rows * t2))
    col_tiles = -(-desc.cols // (config.cols * config.t // t2))
    kept = desc.depth if desc.n == desc.m else compressed_rows(desc.depth, desc.n, desc.m)
    return row_tiles * col_tiles * kept


def check(core: Board, program: programs.Program, seed: int) -> None:
    counters = core.check(program, seed)
    slots = sum(array_slots(core.config, desc) for desc in program.descriptors)
    assert counters["ARRAY_SLOTS"] == slots, f"{slots} slots expected: {program}"


@on_every_shape
@batches(MATMULS, BATCH)
def test_matmuls(shape, batch):
    run_batch(shape, batch, BATCH,
              lambda core, seed: check(core, programs.matmul_program(seed), seed))


@on_every_shape
@batches(MIXED, MIXED_BATCH)
def test_mixed_programs(shape, batch):
    run_batch(shape, batch, MIXED_BATCH,
              lambda core, seed: check(core, programs.mixed_program(seed), seed))


@on_every_shape
@batches(LARGE, LARGE_BATCH)
def test_large_matmuls(shape, batch):
    run_batch(shape, batch, LARGE_BATCH,
              lambda core, seed: check(core, programs.large_program(seed), seed),
              programs.LARGE_SIZE)


@pytest.mark.skipif(not REGRESSIONS, reason="nothing has failed yet")
@on_every_shape
def test_regressions(shape):
    for name, seed in REGRESSIONS:
        run_batch(shape, 0, 1,
                  lambda core, _: check(core, getattr(programs, name)(seed), seed))


def all_descriptors(make, total: int) -> list[Descriptor]:
    """The commands that a test runs on every shape."""
    return [desc for seed in each_seed(0, total) for desc in make(seed).descriptors]


def test_matmuls_cover_every_case():
    drawn = all_descriptors(programs.matmul_program, MATMULS)
    assert len(drawn) >= 300
    assert {(desc.n, desc.m) for desc in drawn} == set(programs.LEGAL_NM)
    assert {desc.flags & sum(MatmulFlag) for desc in drawn} == set(programs.MATMUL_FLAGS)
    assert {desc.flags >> MATMUL_MAP_LSB for desc in drawn} == set(range(8))


def test_mixed_programs_cover_every_command():
    drawn = all_descriptors(programs.mixed_program, MIXED)
    assert {desc.opcode for desc in drawn} == set(Opcode)
    assert {desc.overlap for desc in drawn} == {False, True}


@on_every_shape
def test_large_matmuls_overfill_the_scratchpads(shape):
    """On every shape, each operand is sometimes read again for each tile and sometimes not."""
    config = SatConfig.from_name(shape)
    drawn = all_descriptors(programs.large_program, LARGE)
    fits = set()
    for desc in drawn:
        t2 = 1 << min(desc.flags >> MATMUL_MAP_LSB, max(legal_maps(config, desc.n, desc.m)))
        row_tiles = -(-desc.rows // (config.rows * t2))
        a_words = row_tiles * t2 * -(-desc.depth // 8)
        s_words = compressed_rows(desc.depth, desc.n, desc.m) * config.t // t2
        fits.add(("A", a_words <= config.a_depth))
        fits.add(("S", s_words <= config.s_depth))
    assert any(desc.depth > config.chunk_k for desc in drawn)
    assert len(fits) == 4, f"seen only {fits}"
