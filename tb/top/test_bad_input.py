# SPDX-License-Identifier: Apache-2.0
"""Programs and memories that are wrong (tb/top/bad_input.py), in batches on one array shape."""

from __future__ import annotations

from sat_golden.defs import DESC_BYTES, FIELDS, Error, Opcode
from tb.top import bad_input
from tb.top.batches import batches
from tb.top.board import run_batch
from tb.top.expect import Expected

SHAPE = "8x8"
BATCH = 40
# Programs; those of every run, the others are slow.
MUTANTS, MUTANTS_OFTEN = 1000, 400
BUS_ERRORS, BUS_ERRORS_OFTEN = 800, 160
STOPS, STOPS_OFTEN = 80, 40


def run(batch: int, test, count: int = BATCH, size: int = bad_input.SIZE) -> None:
    run_batch(SHAPE, batch, count, test, size)


@batches(MUTANTS, BATCH, MUTANTS_OFTEN)
def test_mutated_programs(batch):
    run(batch, bad_input.mutated_program)


def test_mutants_meet_every_check():
    """The golden model alone: the mutants above fail in every way a descriptor can."""
    met: dict[Error, set[int]] = {}
    for seed in range(1, MUTANTS_OFTEN + 1):
        program = bad_input.draw_mutant(seed)
        result = Expected(program).result
        at = program.address - program.base + DESC_BYTES * result.index
        met.setdefault(result.code, set()).add(int(program.image[at]))
    assert set(met) >= {Error.NONE, Error.OPCODE, Error.FLAGS, Error.NM, Error.SIZE, Error.ALIGN,
                        Error.STRIDE, Error.RANGE, Error.READ_DECERR}
    met_in_slots = met[Error.ALIGN] | met[Error.STRIDE] | met[Error.RANGE]
    for name, opcodes in (("flags", met[Error.FLAGS]), ("sizes", met[Error.SIZE]),
                          ("slots", met_in_slots)):
        assert opcodes >= set(Opcode) - {Opcode.FENCE}, f"bad {name} only in {opcodes}"


def test_program_registers():
    run(0, bad_input.program_registers, 1)


def test_no_memory_at_the_program():
    run(0, bad_input.no_memory_at_the_program, 1)


def test_any_start():
    run(0, bad_input.any_start)


def test_starts_meet_each_case():
    """The golden model alone."""
    met = {Expected(bad_input.draw_start(seed)).result.code for seed in range(1, BATCH + 1)}
    assert met >= {Error.NONE, Error.PROGRAM, Error.READ_DECERR, Error.OPCODE}


def test_nowhere():
    run(0, bad_input.nowhere)


def test_nowhere_has_every_size():
    """The golden model alone: each bit of sizes and strides as 0 and as 1."""
    seen: dict[str, set[int]] = {}
    for seed in range(1, 400):
        desc = bad_input.draw_nowhere(seed).descriptors[0]
        fields = {name: getattr(desc, name) for name in ("rows", "cols", "depth")}
        fields["stride"] = max((slot.stride for slot in desc.slots.values()), default=0)
        for name, value in fields.items():
            seen.setdefault(name, set()).add(value)
    for name, values in seen.items():
        low, high = (6, 24) if name == "stride" else (0, FIELDS[name.upper()][2])
        for bit in range(low, high):
            assert {value >> bit & 1 for value in values if value} == {0, 1}, f"{name}[{bit}]"


@batches(BUS_ERRORS, BATCH, BUS_ERRORS_OFTEN)
def test_bus_errors(batch):
    run(batch, bad_input.bus_error)


def test_bus_errors_meet_every_code():
    """The golden model alone."""
    met = set()
    for seed in range(1, BUS_ERRORS_OFTEN + 1):
        program, region = bad_input.draw_bus_error(seed)
        met.add(Expected(program, [region]).result.code)
    assert met == {Error.NONE, Error.READ_SLVERR, Error.READ_DECERR, Error.READ_PROTOCOL,
                   Error.WRITE_SLVERR, Error.WRITE_DECERR}


def test_errors_after_many():
    run(0, bad_input.error_after_many, BATCH // 2, bad_input.MANY_SIZE)


@batches(STOPS, BATCH, STOPS_OFTEN)
def test_memory_falls_silent(batch):
    run(batch, bad_input.memory_falls_silent)


def test_slow_memory_is_no_hang():
    run(0, bad_input.slow_memory_is_no_hang, 4)


def test_long_work_is_no_hang():
    run(0, bad_input.long_work_is_no_hang, 1)


@batches(STOPS, BATCH, STOPS_OFTEN)
def test_start_while_busy(batch):
    run(batch, bad_input.start_while_busy)


@batches(STOPS, BATCH, STOPS_OFTEN)
def test_clear_stops_a_program(batch):
    run(batch, bad_input.clear_in_mid_command)


@batches(STOPS, BATCH, STOPS_OFTEN)
def test_reset_in_mid_command(batch):
    run(batch, bad_input.reset_in_mid_command)


def test_first_error_is_kept():
    run(0, bad_input.first_error_is_kept, 5)
