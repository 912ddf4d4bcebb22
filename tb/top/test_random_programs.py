# SPDX-License-Identifier: Apache-2.0
"""Random programs on the core in fast simulation, on several array shapes: the whole memory must
equal the golden command model's in every bit, whatever the shape, the latencies and the pauses.

A failure prints the line that repeats it. Set SEED for other programs: batches take consecutive
seeds from there, batch 0 begins with it.
"""

from __future__ import annotations

import pytest

from sat.config import SatConfig
from sat_golden.defs import MATMUL_MAP_LSB, MatmulFlag, Opcode
from sat_golden.descriptor import Descriptor
from tb.common.runner import DEFAULT_SEED
from tb.top import random_program as programs
from tb.top.board import Board, run_batch
from tb.top.plans import array_slots, plan_of

SHAPES = ("2x2", "4x8", "8x8")
MATMULS = 320
BATCH = 40
MIXED = 40
MIXED_BATCH = 10
LARGE = 20
LARGE_BATCH = 5

# (function, seed) that once failed.
REGRESSIONS: list[tuple[str, int]] = []


def batches(total: int, size: int):
    return pytest.mark.parametrize("batch", range(total // size))


on_every_shape = pytest.mark.parametrize("shape", SHAPES)


def check(core: Board, program: programs.Program, seed: int) -> None:
    counters = core.check(program, seed)
    slots = sum(array_slots(core.config, desc) for desc in program.descriptors)
    assert counters["ARRAY_SLOTS"] == slots, f"{slots} slots expected: {program}"


@batches(MATMULS, BATCH)
@on_every_shape
def test_matmuls(shape, batch):
    run_batch(shape, batch, BATCH,
              lambda core, seed: check(core, programs.matmul_program(seed), seed))


@batches(MIXED, MIXED_BATCH)
@on_every_shape
def test_mixed_programs(shape, batch):
    run_batch(shape, batch, MIXED_BATCH,
              lambda core, seed: check(core, programs.mixed_program(seed), seed))


@batches(LARGE, LARGE_BATCH)
@on_every_shape
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
    """The commands that a test runs on every shape, with the default seed."""
    seeds = range(DEFAULT_SEED, DEFAULT_SEED + total)
    return [desc for seed in seeds for desc in make(seed).descriptors]


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
    """Operands that are read once, and such that are read again for each tile."""
    config = SatConfig.from_name(shape)
    seen = set()
    for desc in all_descriptors(programs.large_program, LARGE):
        plan = plan_of(config, desc)
        seen.add(("A once", plan.a_resident or plan.col_tiles == 1))
        seen.add(("S once", plan.s_resident or plan.row_tiles == 1))
        seen.add(("several chunks", desc.depth > config.chunk_k))
    assert len(seen) == 6, f"seen only {seen}"
