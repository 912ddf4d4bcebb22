# SPDX-License-Identifier: Apache-2.0
"""The cycle model: when each command of a program runs on a core, and what the counters say.

It is the control of sat_top, unit by unit and cycle for cycle, without any data (machine.cpp, built
once and kept): no cycle is estimated, and the RTL is what it is tested against.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

from sat_golden import native
from sat_golden.arguments import integer
from sat_golden.defs import (
    TENSOR_ALIGN,
    AffineFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolFlag,
    PruneFlag,
    StatsFlag,
    UpdateFlag,
)
from sat_golden.descriptor import Descriptor
from sat_golden.kernel import PROCESSOR
from sat_golden.tensors import tensors_of
from sat_golden.windows import Windows

from ...rtl import INCLUDE
from ..tiling import Array, Tiling, tilings

SOURCE = Path(__file__).with_name("machine.cpp")
FLAGS = ("-std=c++17", "-O3", PROCESSOR, "-shared", "-fPIC", "-fvisibility=hidden")
LATENCIES = ("sat_fp.vh", "sat_window.vh")  # of the RTL: the model has none of its own
COUNTERS = ("CYCLES", "ARRAY_BUSY", "ARRAY_SLOTS", "VECTOR_BUSY", "RDMA_BUSY", "WDMA_BUSY",
            "STALL_A", "STALL_S", "STALL_DRAIN", "BYTES_READ", "BYTES_WRITTEN")
FOREVER = 1 << 50  # cycles
START = 64  # cycles after a reset, beside those in which the map cache clears its tags
PAGE = 4096  # bytes: whether a burst is split depends on the place in one

INT = ctypes.c_int64
SLOTS = 8


@dataclass(frozen=True)
class Memory:
    """Cycles from an address to its first data, and from the last data to its response. A beat
    moves per cycle and direction."""

    read_latency: int = 40
    write_latency: int = 40


@dataclass(frozen=True)
class Span:
    """A command in time: the cycle in which it is issued, from the program's start, and the first
    one after it, all writes acknowledged. Bytes that it moves, its descriptor's included."""

    start: int
    end: int
    bytes_read: int
    bytes_written: int


@dataclass(frozen=True)
class Run:
    """A program that has run: counters as the core's registers have them (cycles, slots of T
    cycles, stalls in periods, bytes), its commands, and how many of the cycles the model ran one by
    one (the others were as others before)."""

    counters: dict[str, int]
    spans: tuple[Span, ...]
    evaluated: int

    @property
    def cycles(self) -> int:
        return self.counters["CYCLES"]


def start_cycles(array: Array) -> int:
    """Cycles after a reset until a core is as `run` takes it."""
    return array.cache_lines + START


def run(array: Array, descriptors: Sequence[Descriptor], address: int = 0,
        memory: Memory = Memory(), skipped: Collection[int] = (), limit: int = FOREVER,
        repeats: bool = True) -> Run:
    """Runs a legal program that lies at `address`, on a core after reset.

    `skipped` are the numbers of the UPDATEs that do nothing, as an overflow came before them: that
    depends on data. Without `repeats` each cycle is run, with the same result. native.BuildError
    where the model cannot be built, TimeoutError after `limit` cycles.
    """
    commands = list(descriptors)
    if not commands:
        raise ValueError("descriptors: there is none")
    if not set(skipped) <= set(range(len(commands))):
        raise ValueError(f"skipped: not all are numbers of the {len(commands)} commands")
    entries = [entry for index, desc in enumerate(commands)
               for entry in _entries(array, desc, index in skipped)]
    config = _Config(array.rows, array.cols, array.t, array.a_depth, array.s_depth, array.chunk_k,
                     array.cache_lines, array.data_w, getattr(array, "rd_outstanding", 32),
                     integer("read_latency", memory.read_latency, 0, 1 << 20),
                     integer("write_latency", memory.write_latency, 0, 1 << 20))
    counters = (INT * len(COUNTERS))()
    spans = (_Span * len(commands))()
    evaluated = _library().sat_machine_run(
        ctypes.byref(config), (_Command * len(entries))(*entries), len(commands), address, limit,
        repeats, counters, spans)
    if not evaluated:
        raise TimeoutError(f"the program does not end within {limit} cycles")
    return Run(dict(zip(COUNTERS, counters)), tuple(
        Span(one.start, one.end, one.bytes_read, one.bytes_written) for one in spans), evaluated)


def alike(array: Array, descriptors: Iterable[Descriptor]) -> bytes:
    """What programs have in common that take the same time, command by command: all but where their
    tensors lie, as far as bursts are split alike and the same ones share memory."""
    made, beat = [], array.data_w // 8
    written: list[_Slot] = []  # by the MATMUL before
    for desc in descriptors:
        entries = _entries(array, desc, False)
        if desc.opcode == Opcode.MATMUL:
            slots = entries[0].slots
            made.append(bytes(any(_meet(slots[k], other) for other in written)
                              for k in (MatmulSlot.A, MatmulSlot.S_VALUES, MatmulSlot.S_INDICES)))
            written = [_Slot(one.addr, one.stride, one.end)
                       for one in (slots[MatmulSlot.C], slots[MatmulSlot.SUMS])]
        row_bytes = {tensor.slot: tensor.row_bytes for tensor in tensors_of(desc)}
        for entry in entries:
            for number, (slot, block) in enumerate(zip(entry.slots, _blocks(array, entry))):
                slot.end -= slot.addr
                # What has smaller rows has smaller requests.
                block = min(block, max(1 << (row_bytes.get(number, 1) - 1).bit_length(), beat))
                whole = slot.addr % block == 0 and slot.stride % block == 0
                slot.addr = 0 if whole else slot.addr % PAGE
            made.append(bytes(entry))
    return b"".join(made)


def _meet(one: _Slot, other: _Slot) -> bool:
    return one.addr < other.end and other.addr < one.end


def _blocks(array: Array, entry: _Command) -> list[int]:
    """For each slot bytes such that, if a tensor's rows begin at multiples of them, none of its
    requests reaches over one: then it does not matter where in a page the tensor begins."""
    beat, band = array.data_w // 8, array.data_w // 2
    if entry.opcode != Opcode.MATMUL:
        # Bands of FP16 values, of FP32 parameters and sums; of POOL its choices have four bits.
        # Rows of tiles are never split (weights.h).
        values, singles = 2 * band, 4 * band
        return {Opcode.AFFINE: [values] * 3 + [singles] * 5,
                Opcode.STATS: [values] * 2 + [singles] * 6,
                Opcode.POOL: [values] * 8}.get(Opcode(entry.opcode), [1] * SLOTS)
    rows, columns = array.rows << entry.t2_log2, array.cols << entry.t1_log2
    # Of a map come lines of the cache; of other operands chunks, or a tile's part of a row.
    a = (max(2 * beat, TENSOR_ALIGN) if entry.conv
         else 2 * rows if entry.a_trans else 2 * array.chunk_k)
    c = 4 * columns if entry.out_fp32 else 2 * columns
    sizes = [a, 2 * columns, columns // 2, c, 4 * columns, c, 2 * columns, 4 * columns]
    return [max(size, beat) for size in sizes]


# ---- What the C++ is told: config.h has the same structures


class _Slot(ctypes.Structure):
    _fields_ = [(name, INT) for name in ("addr", "stride", "end")]


class _Span(ctypes.Structure):
    _fields_ = [(name, INT) for name in ("start", "end", "bytes_read", "bytes_written")]


class _Config(ctypes.Structure):
    _fields_ = [(name, INT) for name in (
        "rows cols t a_depth s_depth chunk_k cache_lines data_w rd_outstanding read_latency "
        "write_latency").split()]


class _Command(ctypes.Structure):
    _fields_ = [(name, INT) for name in (
        "opcode overlap check skip a_trans out_fp32 bias residual mask conv sums src_fp16 ff bp "
        "sample decay second backward n m rows cols depth map_h map_w out_h out_w kernel_h "
        "kernel_w step_log2 dilation_log2 upsample_log2 pad_top pad_left group_n group_m dense "
        "t1_log2 t2_log2 folded period kept k_segments row_tiles col_tiles a_resident "
        "s_resident more split blank spacing first_y first_x full_kernel_w position_rows spread "
        "origin full_out_w line_w lines image_hop").split()] + [("slots", _Slot * SLOTS)]


_FLAGS: dict[int, Iterable[IntFlag]] = {
    Opcode.MATMUL: MatmulFlag, Opcode.PRUNE: PruneFlag, Opcode.UPDATE: UpdateFlag,
    Opcode.AFFINE: AffineFlag, Opcode.STATS: StatsFlag, Opcode.POOL: PoolFlag}
_WINDOWS = ("map_h", "map_w", "out_h", "out_w", "kernel_h", "kernel_w", "step_log2",
            "dilation_log2", "upsample_log2", "pad_top", "pad_left")
_PLAN = ("group_n", "group_m", "dense", "period", "kept", "k_segments", "row_tiles", "col_tiles",
         "a_resident", "s_resident", "folded")


@functools.cache
def _library() -> ctypes.CDLL:
    defines = [f"-D{name}={value}" for file in LATENCIES for name, value in re.findall(
        r"^`define (SAT_\w+_LATENCY) (.+)$", (INCLUDE / file).read_text(encoding="utf-8"), re.M)]
    headers = [path.read_bytes() for path in sorted(SOURCE.parent.glob("*.h"))]
    library = native.load("cycle-model", SOURCE, [*FLAGS, *(text.replace("`", "")
                                                            for text in defines)], headers)
    library.sat_machine_run.restype = INT
    library.sat_machine_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, INT, INT, INT, INT,
                                        ctypes.c_void_p, ctypes.c_void_p]
    return library


def _entries(array: Array, desc: Descriptor, skip: bool) -> list[_Command]:
    """A command, or each phase of one."""
    if desc.opcode == Opcode.MATMUL:
        return _phases(desc, [_matmul(desc, tiling) for tiling in tilings(array, desc)])
    made = _command(desc)
    made.n, made.m, made.rows, made.cols, made.skip = desc.n, desc.m, desc.rows, desc.cols, skip
    if desc.has_windows:
        _see(made, desc.windows)
    return [made]


def _command(desc: Descriptor) -> _Command:
    made = _Command(opcode=desc.opcode, overlap=desc.overlap, check=check_cycles(desc))
    for flag in _FLAGS.get(desc.opcode, ()):
        name = str(flag.name).lower()
        if hasattr(made, name):
            setattr(made, name, desc.has(flag))
    for tensor in tensors_of(desc):
        made.slots[tensor.slot] = _Slot(tensor.address, tensor.stride, tensor.end)
    return made


def _matmul(desc: Descriptor, tiling: Tiling) -> _Command:
    made = _command(desc)
    made.rows, made.cols, made.depth = tiling.i, tiling.j, tiling.k
    for name in _PLAN:
        setattr(made, name, getattr(tiling, name))
    made.t1_log2, made.t2_log2 = tiling.t1.bit_length() - 1, tiling.t2.bit_length() - 1
    return made


def _see(entry: _Command, windows: Windows) -> None:
    for name in _WINDOWS:
        setattr(entry, name, getattr(windows, name))


def _phases(desc: Descriptor, entries: list[_Command]) -> list[_Command]:
    """The entries with their windows, and of a convolution by phases with their parts of S and C
    (sat_phases, sat_matmul_plan)."""
    if not desc.has_windows:
        entries[0].position_rows = desc.rows
        return entries
    windows = desc.windows
    if not windows.upsample_log2 or desc.has(MatmulFlag.A_TRANS) or desc.has(MatmulFlag.SUMS):
        _see(entries[0], windows)
        entries[0].position_rows = desc.depth  # of C, if it is a weight gradient
        return entries
    for number, (entry, phase) in enumerate(zip(entries, windows.phases()), 1):
        _see(entry, phase.windows)
        entry.more, entry.split = len(entries) - number, True
        entry.blank = not phase.positions.size
        if not entry.blank:
            entry.first_y, entry.first_x = divmod(int(phase.positions[0]), windows.kernel_w)
        entry.spacing = max(0, windows.upsample_log2 - windows.dilation_log2)
        entry.full_kernel_w, entry.position_rows = windows.kernel_w, desc.kept(desc.depth)
        entry.spread, entry.origin = windows.upsample_log2, int(phase.rows[0])
        entry.full_out_w = windows.out_w
        entry.line_w, entry.lines = phase.windows.out_w, phase.windows.out_h
        first = entry.origin // windows.out_w
        last = first + (entry.lines - 1 << windows.upsample_log2)
        entry.image_hop = (windows.out_h - last + first) * windows.out_w
    return entries


def check_cycles(desc: Descriptor) -> int:
    """Cycles of sat_cmd_check, from start to done."""
    if desc.opcode == Opcode.FENCE:
        return 2
    windows = (6 if desc.opcode == Opcode.POOL else 8) if desc.has_windows else 0
    return 2 + windows + SLOTS + 4 * len(tensors_of(desc))
