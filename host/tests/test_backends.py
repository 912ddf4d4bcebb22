# SPDX-License-Identifier: Apache-2.0
"""Backends: golden, mapped registers (against a fake), checked pairs, and the RTL."""

import dataclasses

import numpy as np
import pytest

from sat import (
    FP32,
    CheckedBackend,
    Core,
    GoldenBackend,
    MmioBackend,
    SatConfig,
    SatError,
    SimBackend,
)
from sat.backends import Mismatch
from sat.regs import Reg
from sat_golden.defs import Error

MEMORY_BYTES = 1 << 20


class FakeRegisters:
    """A register window whose words lead to the golden model."""

    def __init__(self, backend: GoldenBackend):
        self.backend = backend

    def __getitem__(self, word: int) -> int:
        return self.backend.read_register(4 * word)

    def __setitem__(self, word: int, value: int) -> None:
        self.backend.write_register(4 * word, value)


def fake_hardware(config: SatConfig | None = None) -> MmioBackend:
    golden = GoldenBackend(memory_size=MEMORY_BYTES)
    return MmioBackend(config or golden.config, FakeRegisters(golden), golden.memory.data,
                       golden.memory_base)


@pytest.fixture(params=[
    pytest.param("golden", marks=pytest.mark.quick),
    pytest.param("mmio", marks=pytest.mark.quick),
    "sim",
])
def backend(request):
    makers = {"golden": lambda: GoldenBackend(memory_size=MEMORY_BYTES), "mmio": fake_hardware,
              "sim": lambda: SimBackend(memory_size=MEMORY_BYTES)}
    with makers[request.param]() as made:
        yield made


def identity_program(core: Core):
    """y = x . 1, and the tensors."""
    x = core.from_array("x", np.arange(64, dtype=np.float16).reshape(4, 16))
    one = core.from_array("one", np.eye(16, dtype=np.float16))
    y = core.tensor("y", (4, 16), FP32)
    program = core.program()
    program.matmul(x, one, y)
    return program, x, y


def break_command(program, index: int, **fields) -> None:
    """Change a packed field behind the checks of the host layer."""
    command = program.commands[index]
    descriptor = dataclasses.replace(command.descriptor, **fields)
    program.commands[index] = dataclasses.replace(command, descriptor=descriptor)


def test_program_runs(backend):
    core = Core(backend)
    program, x, y = identity_program(core)
    result = core.run(program)
    assert np.array_equal(y.read(), x.read().astype(np.float32))
    assert not result.overflow and result.error is None


def test_overflow_is_reported(backend):
    core = Core(backend)
    program, x, _ = identity_program(core)
    x.write(np.full(x.shape, np.inf, np.float16))
    assert core.run(program).overflow


def test_error_names_command_and_address_and_the_next_program_runs(backend):
    core = Core(backend)
    program, x, y = identity_program(core)
    program.matmul(x, program.commands[0].reads[1], y, label="the bad one")
    break_command(program, 1, n=3)
    with pytest.raises(SatError, match="NM in command 1 .the bad one.") as caught:
        core.run(program)
    assert (caught.value.code, caught.value.index) == (Error.NM, 1)
    assert caught.value.address == core._program_addr + 128
    program, x, y = identity_program(core)
    core.run(program)
    assert np.array_equal(y.read(), x.read().astype(np.float32))


def test_access_outside_the_window_is_an_error(backend):
    with pytest.raises(ValueError, match="^addr:"):
        backend.read_memory(backend.memory_base - 1, 4)
    with pytest.raises(ValueError, match="^addr:"):
        backend.write_memory(backend.memory_base + backend.memory_size - 1, b"1234")


def test_empty_program_is_an_error(backend):
    with pytest.raises(ValueError, match="^program:"):
        core = Core(backend)
        core.run(core.program())


@pytest.mark.quick
def test_other_array_than_configured_is_an_error():
    with pytest.raises(RuntimeError, match="^config:"):
        fake_hardware(SatConfig.from_name("4x4"))


@pytest.mark.quick
def test_no_core_is_an_error():
    with pytest.raises(RuntimeError, match="no SAT core"):
        MmioBackend(SatConfig.from_name(), np.zeros(64, np.uint32), np.zeros(64, np.uint8), 0)


@pytest.mark.quick
def test_mapped_files(tmp_path):
    """Plain files stand in for device files."""
    registers, memory = np.zeros(1024, np.uint32), np.arange(8192) % 251
    golden = GoldenBackend()
    for reg in (Reg.ID, Reg.CAPS0):
        registers[reg // 4] = golden.read_register(reg)
    registers.tofile(tmp_path / "registers")
    memory.astype(np.uint8).tofile(tmp_path / "memory")
    backend = MmioBackend.open(golden.config, str(tmp_path / "registers"),
                               str(tmp_path / "memory"), 0x8000, 8192)
    assert list(backend.read_memory(0x8003, 3)) == [3, 4, 5]
    backend.write_memory(0x8000, b"\x07")
    backend.write_register(Reg.SCRATCH, 0x1234)
    assert (tmp_path / "memory").read_bytes()[0] == 7
    assert np.fromfile(tmp_path / "registers", np.uint32)[Reg.SCRATCH // 4] == 0x1234


def checked_pair() -> tuple[CheckedBackend, GoldenBackend]:
    device, reference = (GoldenBackend(memory_size=MEMORY_BYTES) for _ in range(2))
    return CheckedBackend(device, reference), device


@pytest.mark.quick
def test_equal_pair_has_no_differences():
    checked, _ = checked_pair()
    core = Core(checked)
    program, _, _ = identity_program(core)
    core.run(program)
    assert (checked.tensors_compared, checked.differing_bits) == (1, 0)


@pytest.mark.quick
def test_flipped_bits_are_counted_and_located():
    checked, device = checked_pair()
    core = Core(checked)
    program, x, y = identity_program(core)
    corrupt = device.model.run

    def run(addr, count):
        outcome = corrupt(addr, count)
        device.write_memory(y.addr + y.stride + 4, np.array([3], np.uint8))
        return outcome

    device.model.run = run
    core.run(program)
    assert checked.differing_bits == 2
    assert "y differs in 2 bits, first in row 1, byte 4" in checked.reports[0]


@pytest.mark.quick
def test_stray_write_is_found():
    checked, device = checked_pair()
    core = Core(checked)
    program, x, _ = identity_program(core)
    device.write_memory(checked.memory_base + MEMORY_BYTES - 1, b"\x01")
    core.run(program)
    assert checked.differing_bits == 1 and "outside all outputs" in checked.reports[0]


@pytest.mark.quick
def test_different_errors_do_not_pass():
    checked, device = checked_pair()
    core = Core(checked)
    program, _, _ = identity_program(core)
    device.model.addr_w = 28  # the tensors lie beyond that
    with pytest.raises(Mismatch, match="^error"):
        core.run(program)


@pytest.mark.quick
def test_training_goes_on_with_the_reference_alone():
    checked, _ = checked_pair()
    core = Core(checked)
    program, x, y = identity_program(core)
    checked.continue_on_reference()
    core.run(program)
    assert np.array_equal(y.read(), x.read().astype(np.float32))
    assert checked.tensors_compared == 0


def test_rtl_counts_cycles_and_bytes():
    with SimBackend(memory_size=MEMORY_BYTES) as backend:
        core = Core(backend)
        program, x, y = identity_program(core)
        counters = core.run(program).counters
        assert 0 < counters["ARRAY_BUSY"] < counters["CYCLES"] < 2000
        assert counters["BYTES_WRITTEN"] == 4 * 16 * 4


def test_rtl_result_does_not_depend_on_memory_timing():
    images = []
    for pauses, latency in ((0.0, 40), (0.5, 3), (0.2, 200)):
        with SimBackend(memory_size=MEMORY_BYTES) as backend:
            backend.set_pauses(pauses, seed=7)
            backend.set_latency(latency, latency)
            core = Core(backend)
            core.run(identity_program(core)[0])
            images.append(backend.read_memory(backend.memory_base, MEMORY_BYTES))
    assert all(np.array_equal(image, images[0]) for image in images)


def test_rtl_reports_a_bus_error():
    with SimBackend(memory_size=MEMORY_BYTES) as backend:
        core = Core(backend)
        program, x, y = identity_program(core)
        backend.add_error(x.addr, x.addr + 64)
        with pytest.raises(SatError, match="READ_SLVERR in command 0") as caught:
            core.run(program)
        assert caught.value.address == x.addr
        backend.clear_errors()
        core.run(program)
        assert np.array_equal(y.read(), x.read().astype(np.float32))


@pytest.mark.quick
def test_unknown_code_has_a_message():
    assert "error 99 unknown" in str(SatError(99, 0, 0))
