# SPDX-License-Identifier: Apache-2.0
"""Programs with one hazard, which the golden model names, and programs just on this side of it,
which it runs as the RTL does (tb/top/hazard_program.py)."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from sat_golden import CommandModel, HazardKind, Memory
from sat_golden.command_model import Result
from sat_golden.defs import Opcode
from tb.top.batches import batches
from tb.top.board import Board, run_batch
from tb.top.hazard_program import Case, fetch_case, tensor_case
from tb.top.random_program import Program, each_seed

SHAPE = "2x2"
CASES = 400
BATCH = 40
MAKERS = [tensor_case, fetch_case]


def run_golden(program: Program) -> tuple[Result, np.ndarray]:
    """Its end and the memory then."""
    memory = Memory(program.base, program.image.size, program.image.copy())
    result = CommandModel(memory, hazards="ignore").run(program.address, program.length)
    return result, memory.data


def named(result: Result) -> list[tuple]:
    """As in a Case."""
    return [(hazard.kind, hazard.first, hazard.second,
             (hazard.first_slot, hazard.second_slot)[: 1 + (hazard.second_slot is not None)])
            for hazard in result.hazards]


def check(core: Board, case: Case, seed: int) -> None:
    if case.hazard is None:
        core.check(case.program, seed)
        return
    found = named(run_golden(case.program)[0])
    if found != [case.hazard]:
        raise AssertionError(f"{found} instead of {case.hazard}: {case.program}")


@batches(CASES, BATCH)
@pytest.mark.parametrize("make", MAKERS)
def test_hazards_are_named_and_neighbours_are_exact(make, batch):
    run_batch(SHAPE, batch, BATCH, lambda core, seed: check(core, make(seed), seed))


def test_cases_are_of_every_kind():
    """Hazards and reasons for none, commands, and what follows a written descriptor."""
    cases = [make(seed) for make in MAKERS for seed in each_seed(0, CASES)]
    kinds = Counter(case.hazard[0] if case.hazard else case.reason for case in cases)
    assert set(kinds) == {*HazardKind, "apart", "in place", "one after the other",
                          "written in time", "fetched before"}
    assert min(kinds.values()) >= 8, kinds
    within = {case.program.descriptors[case.hazard[1]].opcode for case in cases
              if case.hazard and case.hazard[1] == case.hazard[2]}
    assert within == set(Opcode) - {Opcode.FENCE}
    far = {case.hazard[0] for case in cases
           if case.hazard and case.hazard[2] > case.hazard[1] + 1}
    assert far == {HazardKind.OVERLAP, HazardKind.FETCH}


def test_hazards_are_real():
    """Of each kind, some programs end otherwise on the RTL: the golden model is right to warn."""
    met: Counter[HazardKind] = Counter()

    def one(core: Board, seed: int) -> None:
        for case in (make(seed) for make in MAKERS):
            if case.hazard:
                result, memory = run_golden(case.program)
                core.prepare(case.program, seed)
                end = core.run_to_end(case.program)
                same = end.code == result.code and np.array_equal(core.image(case.program), memory)
                met[case.hazard[0]] += not same
                core.clear()

    run_batch(SHAPE, 0, CASES, one)
    assert all(met[kind] for kind in HazardKind), met
