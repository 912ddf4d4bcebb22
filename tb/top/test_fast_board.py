# SPDX-License-Identifier: Apache-2.0
"""Each check that the fast board (host/sat/sim/sat_sim.cpp) makes of the memory port fires."""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
from collections.abc import Callable
from ctypes import c_char_p, c_uint8, c_uint16, c_uint64, c_void_p
from pathlib import Path

import pytest

from sat.sim.library import HARNESS

pytestmark = pytest.mark.quick

FAKE_CORE = Path(__file__).parent / "fake_core"
MEMORY = 1 << 16
ADDRESS = 0x100
INCR, BEAT = 1, 4  # kind of a burst, log2 of the bytes of a beat


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The board around a fake core."""
    output = tmp_path_factory.mktemp("fast_board") / "libboard.so"
    subprocess.run([*shlex.split(os.environ.get("CXX", "g++")), "-std=c++20", "-shared", "-fPIC",
                    f"-I{FAKE_CORE}", str(HARNESS), "-o", str(output)], check=True)
    lib = ctypes.CDLL(str(output))
    lib.sat_sim_create.argtypes, lib.sat_sim_create.restype = [c_uint64, c_uint64], c_void_p
    lib.sat_sim_destroy.argtypes = [c_void_p]
    lib.sat_sim_step.argtypes = [c_void_p, c_uint64]
    lib.sat_sim_fault.argtypes, lib.sat_sim_fault.restype = [c_void_p], c_char_p
    burst = [c_uint64, c_uint8, c_uint8, c_uint8]
    lib.fake_core_read.argtypes = burst
    lib.fake_core_write.argtypes = [*burst, c_uint16, c_uint16, c_uint8]
    return lib


def fault(library: ctypes.CDLL, play: Callable[[ctypes.CDLL], None]) -> str:
    """What the board says after a burst."""
    board = library.sat_sim_create(0, MEMORY)
    try:
        play(library)
        library.sat_sim_step(board, 20)
        return library.sat_sim_fault(board).decode()
    finally:
        library.sat_sim_destroy(board)


def read(address: int = ADDRESS, length: int = 0, size: int = BEAT, burst: int = INCR):
    return lambda library: library.fake_core_read(address, length, size, burst)


def write(address: int = ADDRESS, length: int = 0, size: int = BEAT, burst: int = INCR,
          data: int = 0, strobes: int = 0xFFFF, last: int = 1):
    return lambda library: library.fake_core_write(address, length, size, burst, data, strobes,
                                                   last)


@pytest.mark.parametrize("play", [
    read(), read(0xFF0), read(0xFC0, 3), write(), write(length=1, last=0),
    write(data=0x1234, strobes=3), write(data=0x34, strobes=1), write(strobes=0),
])
def test_good_burst_is_no_fault(library: ctypes.CDLL, play: Callable) -> None:
    assert fault(library, play) == ""


@pytest.mark.parametrize("play,text", [
    (read(ADDRESS + 8), "not aligned"), (write(ADDRESS + 4), "not aligned"),
    (read(0xFE0, 2), "crosses a 4 KB"), (write(0xFF0, 1, last=0), "crosses a 4 KB"),
    (read(size=3), "not INCR with whole"), (write(burst=0), "not INCR with whole"),
    (write(last=0), "WLAST does not mark"), (write(length=1), "WLAST does not mark"),
    (write(data=0x1234, strobes=1), "lane without strobe is not 0"),
    (write(data=0x1200, strobes=0), "lane without strobe is not 0"),
    (write(data=0x0034, strobes=0xFFFE), "lane without strobe is not 0"),
])
def test_every_fault_is_noticed(library: ctypes.CDLL, play: Callable, text: str) -> None:
    assert text in fault(library, play)


def test_what_an_assertion_prints_is_a_fault(library: ctypes.CDLL) -> None:
    said = "assertion violated: sat_top.u_queue.no_overflow at 0"
    text = fault(library, lambda library: library.sat_sim_print(f"{said}\n".encode()))
    assert text == f"cycle 9: {said}\n"
