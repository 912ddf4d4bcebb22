# SPDX-License-Identifier: Apache-2.0
"""Backends: golden, mapped registers (against a fake), checked pairs, and the RTL."""

import dataclasses
import gc
import os
import signal
import sys
import threading

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
    SatTimeout,
    SimBackend,
)
from sat import backend as backend_module
from sat.backends import Mismatch
from sat.regs import Ctrl, Reg, Status
from sat_golden.defs import Error

MEMORY_BYTES = 1 << 20
SILENT = 1 - 1e-9  # chance of a pause: the memory does nothing at all
SMALL = SatConfig.from_name("2x2")


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
              "sim": lambda: SimBackend(SMALL, memory_size=MEMORY_BYTES)}
    with makers[request.param]() as made:
        yield made


@pytest.fixture
def sim():
    with SimBackend(SMALL, memory_size=MEMORY_BYTES) as made:
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


def test_clear_wins_over_a_start_in_one_write(backend):
    core = Core(backend)
    program, x, y = identity_program(core)
    core.run(program)
    y.write(np.zeros(y.shape, np.float32))
    backend.write_register(Reg.CTRL, Ctrl.START | Ctrl.CLEAR)
    assert not backend.read_register(Reg.STATUS) & (Status.BUSY | Status.DONE)
    assert not y.read().any()


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

    def run(*registers):
        outcome = corrupt(*registers)
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


def test_rtl_counts_cycles_and_bytes(sim):
    core = Core(sim)
    program, x, y = identity_program(core)
    counters = core.run(program).counters
    assert 0 < counters["ARRAY_BUSY"] < counters["CYCLES"] < 2000
    assert counters["BYTES_WRITTEN"] == 4 * 16 * 4


def test_rtl_result_does_not_depend_on_memory_timing():
    images = []
    for pauses, latency in ((0.0, 40), (0.5, 3), (0.2, 200)):
        with SimBackend(SMALL, memory_size=MEMORY_BYTES) as backend:
            backend.set_pauses(pauses, seed=7)
            backend.set_latency(latency, latency)
            core = Core(backend)
            core.run(identity_program(core)[0])
            images.append(backend.read_memory(backend.memory_base, MEMORY_BYTES))
    assert all(np.array_equal(image, images[0]) for image in images)


def test_rtl_reports_a_bus_error(sim):
    core = Core(sim)
    program, x, y = identity_program(core)
    sim.add_error(x.addr, x.addr + 64)
    with pytest.raises(SatError, match="READ_SLVERR in command 0") as caught:
        core.run(program)
    assert caught.value.address == x.addr
    sim.clear_errors()
    core.run(program)
    assert np.array_equal(y.read(), x.read().astype(np.float32))


# At the edges: what is closed, dropped, too large, interrupted, shared

def test_use_after_close_is_an_error(backend):
    core = Core(backend)
    program, x, _ = identity_program(core)
    core.run(program)
    backend.close()
    backend.close()
    for use in (x.read, lambda: x.write(np.zeros(x.shape, np.float16)), lambda: core.run(program),
                lambda: backend.read_register(Reg.ID), lambda: backend.write_register(Reg.CTRL, 1),
                backend.abort, backend.read_counters):
        with pytest.raises(RuntimeError, match=f"^{type(backend).__name__}: is closed"):
            use()


def test_simulation_is_closed_altogether(sim):
    sim.close()
    for use in (sim.reset, sim.step, sim.set_latency, sim.clear_errors, sim.wait_for_interrupt,
                lambda: sim.set_pauses(0.1), lambda: sim.add_error(0, 64), lambda: sim.place(0),
                lambda: sim.cycle):
        with pytest.raises(RuntimeError, match="^SimBackend: is closed"):
            use()


@pytest.mark.quick
@pytest.mark.parametrize("base, size, name", [
    (0, 0, "memory_size"), (0, -64, "memory_size"), (0, 100, "memory_size"),
    (0, 1 << 46, "memory_size"), (0, (1 << 40) + 64, "memory_size"),
    ((1 << 40) - 64, 128, "memory_size"), (32, 64, "memory_base"), (-64, 64, "memory_base"),
    (1 << 63, 64, "memory_size"),
])
def test_memory_that_the_core_cannot_have_is_named(base: int, size: int, name: str):
    for made in (GoldenBackend, SimBackend):  # the same rule, before anything is built
        with pytest.raises(ValueError, match=f"^{name}:"):
            made(memory_base=base, memory_size=size)
    with pytest.raises(ValueError, match="^memory_base:"):
        MmioBackend(SMALL, np.zeros(64, np.uint32), np.zeros(64, np.uint8), 32)
    with pytest.raises(ValueError, match=f"^{name}:"):
        MmioBackend.open(SMALL, os.devnull, os.devnull, base, size)
    with pytest.raises(TypeError):
        GoldenBackend(memory_size=64.0)


def test_memory_that_the_machine_lacks_is_an_error():
    """Half of what the core can address."""
    with pytest.raises(MemoryError):
        SimBackend(SMALL, memory_base=0, memory_size=1 << 39)


def test_dropped_simulations_are_freed():
    freed = []
    for _ in range(3):
        core = Core(SimBackend(SMALL, memory_size=MEMORY_BYTES))
        core.run(identity_program(core)[0])
        freed.append(core.backend._free)
    del core
    gc.collect()
    assert not any(finalizer.alive for finalizer in freed)


@pytest.mark.parametrize("use, name", [
    (lambda sim: sim.step(-1), "cycles"),
    (lambda sim: sim.set_latency(-1), "read"),
    (lambda sim: sim.set_latency(1, 1 << 32), "write"),
    (lambda sim: sim.set_pauses(1.0), "chance"),
    (lambda sim: sim.add_error(64, 64), "start"),
    (lambda sim: sim.add_error(-64, 64), "start"),
    (lambda sim: sim.add_error(0, 64, response=1), "response"),
    (lambda sim: sim.add_error(1 << 64, (1 << 64) + 64), "start"),
    (lambda sim: sim.place(-64), "base"),
    (lambda sim: sim.place(0, np.array([0, 1 << 32])), "tags"),
    (lambda sim: sim.place(0, np.array([0.0, 1.5])), "tags"),
    (lambda sim: sim.place(1 << 64), "base"),
    (lambda sim: sim.set_pauses(0.1, seed=-1), "seed"),
    (lambda sim: SimBackend(SMALL, max_cycles=0), "max_cycles"),
    (lambda sim: SimBackend(SMALL, max_cycles=1.5), "max_cycles"),
    (lambda sim: sim.step(1.5), "cycles"),
])
def test_what_would_not_reach_the_simulation_as_it_is_is_named(sim, use, name: str):
    with pytest.raises((ValueError, TypeError), match=f"^{name}"):
        use(sim)


def test_access_that_registers_do_not_take_is_named(backend):
    for offset in (-4, 2, 4096):
        with pytest.raises(ValueError, match="^offset:"):
            backend.read_register(offset)
        with pytest.raises(ValueError, match="^offset:"):
            backend.write_register(offset, 0)
    for value in (-1, 1 << 32):
        with pytest.raises(ValueError, match="^value:"):
            backend.write_register(Reg.SCRATCH, value)
    with pytest.raises(TypeError, match="^offset:"):
        backend.read_register(4.0)
    with pytest.raises(TypeError, match="^value:"):
        backend.write_register(Reg.SCRATCH, 1.5)
    with pytest.raises(TypeError, match="^data: float32"):
        backend.write_memory(backend.memory_base, np.zeros(4, np.float32))
    with pytest.raises(ValueError, match="^addr:"):
        backend.read_memory(backend.memory_base + 64, -1)


def runs_again(core: Core, times: int = 2) -> None:
    """Programs run as if nothing had been."""
    for value in range(times):
        program, x, y = identity_program(core)
        x.write(np.full(x.shape, value, np.float16))
        core.run(program)
        assert (y.read() == value).all()


def test_simulation_is_at_rest_after_a_timeout(sim):
    """It is not for the next run to end this one."""
    core = Core(sim)
    program, *_ = identity_program(core)
    for _ in range(2):
        sim.max_cycles = 100
        with pytest.raises(SatTimeout, match="within 100 cycles"):
            core.run(program)
        assert not sim.read_register(Reg.STATUS) & (Status.BUSY | Status.DRAINING | Status.ERROR)
        sim.max_cycles = 100_000
        runs_again(core)


def test_simulation_whose_memory_is_silent_is_reset(sim, monkeypatch):
    monkeypatch.setattr(backend_module, "REST_SECONDS", 0.1)
    core = Core(sim)
    program, *_ = identity_program(core)
    sim.set_pauses(SILENT)
    sim.max_cycles = 1000
    with pytest.raises(SatTimeout, match="within 1000 cycles"):
        core.run(program)
    sim.set_pauses(0)
    sim.max_cycles = 100_000
    runs_again(core)


@pytest.fixture
def ctrl_c():
    """Ctrl-C means KeyboardInterrupt, whatever a library has made of it in this process."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_run_of_the_simulation(sim, monkeypatch):
    """One that would take for ever. The core takes the next program."""
    monkeypatch.setattr(backend_module, "REST_SECONDS", 0.1)
    core = Core(sim)
    program, *_ = identity_program(core)
    sim.set_pauses(SILENT)
    sim.max_cycles = (1 << 32) - 1
    for use in (lambda: core.run(program), lambda: sim.step((1 << 32) - 1)):
        with pytest.raises(KeyboardInterrupt):
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            use()
    sim.set_pauses(0)
    runs_again(core)


class SlowRegisters(FakeRegisters):
    """Of a core whose programs run until they are aborted, while it is `stuck`; once a refused
    start is recorded, it takes two clears."""

    stuck, busy, refused = True, False, False

    def __getitem__(self, word: int) -> int:
        if 4 * word == Reg.STATUS and self.busy:
            return Status.BUSY
        if 4 * word == Reg.IRQ_STATUS and self.busy:
            return 0
        return super().__getitem__(word)

    def __setitem__(self, word: int, value: int) -> None:
        if 4 * word == Reg.CTRL and value & Ctrl.CLEAR and self.busy:
            self.busy, self.refused = self.refused, False
        elif 4 * word == Reg.CTRL and value & Ctrl.START and self.stuck:
            self.busy, self.refused = True, self.busy
        else:
            super().__setitem__(word, value)


@pytest.mark.quick
def test_hardware_is_at_rest_after_a_timeout():
    """And before a run, whatever an earlier process has left."""
    golden = GoldenBackend(memory_size=MEMORY_BYTES)
    registers = SlowRegisters(golden)
    backend = MmioBackend(golden.config, registers, golden.memory.data, golden.memory_base,
                          timeout=0.01)
    core = Core(backend)
    program, x, y = identity_program(core)
    with pytest.raises(SatTimeout, match="no interrupt within"):
        core.run(program)
    assert not registers.busy
    registers[Reg.CTRL // 4] = registers[Reg.CTRL // 4] = Ctrl.START
    registers[Reg.CTRL // 4] = Ctrl.START
    assert registers.busy and registers.refused
    registers.stuck = False
    runs_again(core)


@pytest.mark.quick
def test_hardware_that_never_rests_is_an_error(monkeypatch):
    monkeypatch.setattr(backend_module, "REST_SECONDS", 0.01)
    golden = GoldenBackend(memory_size=MEMORY_BYTES)
    registers = SlowRegisters(golden)
    backend = MmioBackend(golden.config, registers, golden.memory.data, golden.memory_base,
                          timeout=0.01)
    program, *_ = identity_program(core := Core(backend))
    monkeypatch.setattr(SlowRegisters, "busy", property(lambda self: True, lambda *args: None))
    with pytest.raises(SatTimeout, match="does not come to rest after a clear"):
        core.run(program)


def test_pair_is_alike_after_a_timeout_and_after_an_error(sim):
    """What the device left undone is not counted as a difference of the next program."""
    checked = CheckedBackend(sim, GoldenBackend(SMALL, memory_size=MEMORY_BYTES))
    core = Core(checked)
    program, x, y = identity_program(core)
    sim.max_cycles = 100
    with pytest.raises(SatTimeout):
        core.run(program)
    sim.max_cycles = 100_000
    assert not y.read().any()
    runs_again(core)
    break_command(program, 0, n=3)
    with pytest.raises(SatError):
        core.run(program)
    runs_again(core)
    assert checked.differing_bits == 0


@pytest.fixture
def eager_threads():
    """Threads that take turns as often as Python lets them."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_threads_may_share_a_core(backend, eager_threads):
    """Each with programs of its own, while another looks at the registers."""
    core = Core(backend)
    jobs = [identity_program(core) for _ in range(3)]
    wrong, done = [], threading.Event()

    def work(index: int) -> None:
        program, x, y = jobs[index]
        for step in range(10):
            try:
                x.write(np.full(x.shape, 16 * index + step, np.float16))
                core.run(program)
                if not (y.read() == 16 * index + step).all():
                    wrong.append((index, step))
            except Exception as error:
                wrong.append((index, error))

    def look() -> None:
        while not done.is_set():
            if backend.read_register(Reg.SCRATCH) != 7:
                wrong.append("SCRATCH")

    backend.write_register(Reg.SCRATCH, 7)
    watcher = threading.Thread(target=look)
    workers = [threading.Thread(target=work, args=(index,)) for index in range(len(jobs))]
    for thread in (watcher, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    watcher.join()
    assert not wrong


@pytest.mark.quick
def test_threads_get_memory_of_their_own(eager_threads):
    core = Core(GoldenBackend(memory_size=MEMORY_BYTES))
    spans = []

    def take() -> None:
        spans.extend(core.tensor("t", (2, 8), FP32).extent for _ in range(300))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({start for start, _ in spans}) == 1200


@pytest.mark.quick
def test_unknown_code_has_a_message():
    assert "error 99 unknown" in str(SatError(99, 0, 0))
