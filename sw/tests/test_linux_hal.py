# SPDX-License-Identifier: Apache-2.0
"""sw/hal/sat_linux.c with devices that are played: a register page in a file, and a socket for the
events of a UIO device. Signals, lost and stale events, calls that do less than asked, small hosts.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import byref
from pathlib import Path

import pytest

from sat.regs import ID_VALUE, IrqStatus, Reg

from . import driver
from .driver import library

pytestmark = pytest.mark.quick

HERE = Path(__file__).parent
BASE, SIZE = 0x8000_0000, 8192
LONG_MS, SHORT_MS = 20000, 50
ENABLED = IrqStatus.DONE | IrqStatus.ERROR
CALLS = ("open", "pread", "pwrite", "read", "write")


def stubborn() -> ctypes.CDLL:
    """The driver with system calls that are interrupted, and transfer little at once."""
    return library("libsat_stubborn.so", (HERE / "stubborn_io.c",),
                   ("-U_FORTIFY_SOURCE", *(f"-D{call}=stubborn_{call}" for call in CALLS)))


class FakeUio:
    """An open UIO device, as the driver and as the hardware see it."""

    def __init__(self, folder: Path, lib: ctypes.CDLL):
        registers, memory = folder / "uio", folder / "memory"
        page = bytearray(4096)
        struct.pack_into("<I", page, Reg.ID, ID_VALUE)
        struct.pack_into("<I", page, Reg.IRQ_ENABLE, ENABLED)
        registers.write_bytes(page)
        memory.write_bytes(bytes(SIZE))
        self.host = driver.LinuxHost()
        status = lib.sat_uio_open(byref(self.host), bytes(registers), bytes(memory), 0, BASE, SIZE)
        if status != driver.OK:
            raise OSError(f"sat_uio_open: {status}")
        self.lib, self.hal = lib, lib.sat_linux_hal(byref(self.host))
        self.hardware, events = socket.socketpair()
        self.host.event_file = events.detach()
        self.host.timeout_ms = LONG_MS

    def wait(self) -> int:
        return self.hal.wait(self.hal.context)

    def pending(self, irqs: int) -> None:
        self.host.registers[Reg.IRQ_STATUS // 4] = irqs

    def event(self) -> None:
        self.hardware.send(struct.pack("<I", 1))

    def enables(self) -> int:
        """How often the driver enabled the interrupt so far."""
        self.hardware.setblocking(False)
        try:
            data = self.hardware.recv(1 << 16)
        except BlockingIOError:
            return 0
        words = struct.unpack(f"={len(data) // 4}i", data)
        assert set(words) == {1}
        return len(words)

    def close(self) -> None:
        self.lib.sat_linux_close(byref(self.host))
        self.hardware.close()


@pytest.fixture(params=["plain", "stubborn"])
def uio(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeUio]:
    device = FakeUio(tmp_path, library() if request.param == "plain" else stubborn())
    yield device
    device.close()


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """`work` in a thread of its own."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.fixture(params=[True, False], ids=["SA_RESTART", "no restart"])
def interrupt_me(request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """Sends a signal to the thread that runs the test."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.siginterrupt(signal.SIGUSR1, not request.param)
    me = threading.get_ident()
    yield lambda: signal.pthread_kill(me, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_signals_do_not_end_a_wait(uio: FakeUio, interrupt_me: Callable[[], None]) -> None:
    def work() -> None:
        for _ in range(20):
            time.sleep(0.005)
            interrupt_me()
        uio.pending(IrqStatus.DONE)
        uio.event()

    with beside(work):
        assert uio.wait() == driver.OK
    assert uio.host.registers[Reg.IRQ_STATUS // 4] == IrqStatus.DONE


def test_signals_do_not_prolong_a_wait(uio: FakeUio, interrupt_me: Callable[[], None]) -> None:
    uio.host.timeout_ms = SHORT_MS
    ended = threading.Event()

    def work() -> None:
        for _ in range(4000):
            if ended.wait(0.005):
                return
            interrupt_me()
        uio.pending(IrqStatus.DONE)  # or the test would never end

    with beside(work):
        status = uio.wait()
        ended.set()
    assert status == driver.E_TIMEOUT


def test_lost_event_is_seen_in_the_registers(uio: FakeUio) -> None:
    def work() -> None:
        time.sleep(0.02)
        uio.pending(IrqStatus.ERROR)

    with beside(work):
        assert uio.wait() == driver.OK


def test_interrupt_before_it_was_enabled_is_seen(uio: FakeUio) -> None:
    uio.pending(IrqStatus.DONE)
    assert uio.wait() == driver.OK
    assert uio.enables() == 1


def test_event_of_the_program_before_does_not_count(uio: FakeUio) -> None:
    uio.event()

    def work() -> None:
        time.sleep(0.05)
        uio.pending(IrqStatus.DONE)
        uio.event()

    with beside(work):
        assert uio.wait() == driver.OK
        assert uio.host.registers[Reg.IRQ_STATUS // 4] == IrqStatus.DONE
    assert uio.enables() >= 2  # the event disabled it


def test_interrupt_that_is_not_enabled_does_not_count(uio: FakeUio) -> None:
    uio.host.timeout_ms = SHORT_MS
    uio.pending(IrqStatus.FENCE)
    assert uio.wait() == driver.E_TIMEOUT


def test_nothing_times_out(uio: FakeUio) -> None:
    for uio.host.timeout_ms in (0, SHORT_MS):
        assert uio.wait() == driver.E_TIMEOUT


def test_negative_timeout_waits(uio: FakeUio) -> None:
    uio.host.timeout_ms = -1

    def work() -> None:
        time.sleep(0.05)
        uio.pending(IrqStatus.DONE)
        uio.event()

    with beside(work):
        assert uio.wait() == driver.OK


def test_broken_events_are_reported(uio: FakeUio) -> None:
    uio.hardware.send(b"\1\0")  # half of a count
    assert uio.wait() == driver.E_IO
    uio.hardware.close()
    assert uio.wait() == driver.E_IO


@pytest.mark.parametrize("lib", [library, stubborn], ids=["plain", "stubborn"])
def test_interrupted_and_partial_transfers_are_completed(
        tmp_path: Path, lib: Callable[[], ctypes.CDLL]) -> None:
    (tmp_path / "x_user").write_bytes(bytes(4096))
    (tmp_path / "x_h2c_0").write_bytes(bytes(4096))
    (tmp_path / "x_c2h_0").symlink_to("x_h2c_0")
    (tmp_path / "x_events_0").write_bytes(b"")
    host, data = driver.LinuxHost(), bytes(range(250))
    assert lib().sat_xdma_open(byref(host), bytes(tmp_path / "x")) == driver.OK
    hal = lib().sat_linux_hal(byref(host))
    back = (ctypes.c_ubyte * 250)()
    assert hal.write_memory(hal.context, 1000, (ctypes.c_ubyte * 250)(*data), 250) == 0
    assert (tmp_path / "x_h2c_0").read_bytes() == bytes(1000) + data + bytes(4096 - 1250)
    assert hal.read_memory(hal.context, 1000, back, 250) == 0 and bytes(back) == data
    assert hal.read_memory(hal.context, 4000, back, 250) != 0  # the file ends before
    assert hal.read_memory(hal.context, 1 << 63, back, 1) != 0  # no file offset
    lib().sat_linux_close(byref(host))
    if lib is stubborn:
        assert ctypes.c_int.in_dll(lib(), "stubborn_interruptions").value > 2 * 250 // 7


@pytest.mark.parametrize("present", range(4))
def test_errno_says_what_is_missing(tmp_path: Path, present: int) -> None:
    for name in ("user", "h2c_0", "c2h_0")[:present]:
        (tmp_path / f"x_{name}").write_bytes(bytes(4096))
    host = driver.LinuxHost()
    status = library().sat_xdma_open(byref(host), bytes(tmp_path / "x"))
    assert (status, ctypes.get_errno()) == (driver.E_IO, errno.ENOENT)
    assert {host.register_file, host.event_file, host.to_core_file, host.from_core_file} == {-1}


# Windows

SMALL_HOST = ("-DSAT_HOST_MOST=0xFFFFFFFFu", "-DSAT_HOST_OFFSET=0x7FFFFFFFu")
GIB = 1 << 30


@functools.cache
def window_program(flags: tuple[str, ...]) -> Path:
    return driver.compile_c(driver.BUILD / f"window{zlib.crc32(repr(flags).encode()):08x}",
                            [HERE / "window.c", *driver.DRIVER], *flags)


def opened(folder: Path, flags: tuple[str, ...], offset: int, base: int, size: int) -> list[int]:
    """What sw/tests/window.c says of a window in a sparse file, and errno."""
    (folder / "uio").write_bytes(bytes(4096))
    with open(folder / "memory", "wb") as memory:
        memory.truncate(8 * GIB)
    numbers = map(str, (offset, base, size))
    result = subprocess.run([window_program(flags), folder / "uio", folder / "memory", *numbers],
                            check=True, capture_output=True, text=True)
    return [int(word) for word in result.stdout.split()]


REFUSED = [driver.E_ARGUMENT, errno.EOVERFLOW]


@pytest.mark.parametrize("offset,base,size", [
    (0, 0, 0), (0, (1 << 64) - 4096, 8192), ((1 << 63) - 4096, 0, 8192), (1 << 63, 0, 4096),
])
def test_impossible_window_is_refused(tmp_path: Path, offset: int, base: int, size: int) -> None:
    assert opened(tmp_path, (), offset, base, size) == REFUSED


@pytest.mark.parametrize("offset,size,refused", [
    (0, 4 * GIB, True), (0, 4 * GIB + 8192, True), (2 * GIB, 4096, True), (GIB, GIB, True),
    (0, 4096, False), (4096, GIB, False),
])
def test_window_too_large_for_a_small_host_is_refused(tmp_path: Path, offset: int, size: int,
                                                      refused: bool) -> None:
    expected = REFUSED if refused else [driver.OK, 0]
    assert opened(tmp_path, SMALL_HOST, offset, 0x12_0000_0000, size) == expected


def test_large_window_is_mapped_where_it_fits(tmp_path: Path) -> None:
    if ctypes.sizeof(ctypes.c_size_t) < 8:
        pytest.skip("a 32-bit host")
    assert opened(tmp_path, (), 0, 0x12_0000_0000, 4 * GIB + 8192) == [driver.OK, 0]
    with open(tmp_path / "memory", "rb") as memory:
        memory.seek(4 * GIB + 8191)
        assert memory.read(1) == b"\x5A"


def test_window_too_large_for_32_bits_is_refused(tmp_path: Path) -> None:
    try:
        assert opened(tmp_path, ("-m32",), 0, 0, 4096) == [driver.OK, 0]
    except subprocess.CalledProcessError:
        pytest.skip("no 32-bit C library here (gcc -m32)")
    assert opened(tmp_path, ("-m32",), 0, 0, 4 * GIB + 8192) == REFUSED


def test_bare_metal_window_beyond_the_host_is_not_accessed() -> None:
    lib = library("libsat_small.so", (), SMALL_HOST)
    memory = ctypes.create_string_buffer(4096)
    one = (ctypes.c_ubyte * 1)()
    for size, wanted in ((4096, True), (4 * GIB, False)):
        mmio = driver.Mmio(None, ctypes.addressof(memory), 0, size)
        hal = lib.sat_mmio_hal(byref(mmio))
        assert (hal.read_memory(hal.context, 0, one, 1) == 0) == wanted
        assert (hal.write_memory(hal.context, 0, one, 1) == 0) == wanted
