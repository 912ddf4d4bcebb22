# SPDX-License-Identifier: Apache-2.0
"""A memory image with regions that answer with bus errors, and tensors laid out in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .arguments import integer
from .checks import Fault
from .compress import pack_indices, unpack_indices
from .defs import TENSOR_ALIGN, Error
from .operands import HALF, NIBBLE, SINGLE
from .tensors import Tensor

ADDRESS_MAX = (1 << 64) - 1
BURST_BEATS = 16  # of a write, at most

DTYPES: dict[int, np.dtype] = {HALF: np.dtype("<u2"), SINGLE: np.dtype("<u4")}


@dataclass(frozen=True)
class ErrorRegion:
    """Bytes [start, end) that answer with an error; both multiples of 64. `decerr` chooses DECERR
    over SLVERR; `on_read` and `on_write` say which accesses fail. With `rlast` reads answer OKAY,
    but RLAST is wrong: given where it does not belong, or missing; writes do not fail.
    """

    start: int
    end: int
    decerr: bool = False
    on_read: bool = True
    on_write: bool = True
    rlast: bool = False

    def __post_init__(self):
        if self.start % TENSOR_ALIGN or self.end % TENSOR_ALIGN:
            raise ValueError(f"start, end: not multiples of {TENSOR_ALIGN}")
        if not 0 <= self.start <= self.end:
            raise ValueError(f"start, end: {self.start:#x}..{self.end:#x} is no range of addresses")
        if self.rlast and (self.decerr or self.on_write):
            raise ValueError("rlast: with decerr or on_write")

    @property
    def response(self) -> int:
        """AXI response code; OKAY (0) says that RLAST is wrong."""
        return 0 if self.rlast else 3 if self.decerr else 2

    def code(self, write: bool) -> Error:
        if write:
            return Error.WRITE_DECERR if self.decerr else Error.WRITE_SLVERR
        if self.rlast:
            return Error.READ_PROTOCOL
        return Error.READ_DECERR if self.decerr else Error.READ_SLVERR

    def fails(self, write: bool) -> bool:
        return self.on_write if write else self.on_read


class Memory:
    """`size` bytes at byte address `base` (both multiples of 64). Accesses outside give DECERR.

    `data` is the uint8 array behind it; pass one to share it. `beat_bytes` is the width of the bus,
    with which bus errors are reported.
    """

    def __init__(self, base: int, size: int, data: np.ndarray | None = None,
                 beat_bytes: int = 16):
        for name, value, least in (("base", base, 0), ("size", size, 1)):
            if integer(name, value, least, ADDRESS_MAX) % TENSOR_ALIGN:
                raise ValueError(f"{name}: {value} is not a multiple of {TENSOR_ALIGN}")
        if data is None:
            data = np.zeros(size, np.uint8)
        if data.dtype != np.uint8 or data.shape != (size,) or not data.flags.c_contiguous:
            raise ValueError(f"data: contiguous uint8 array of {size} bytes expected")
        self.base, self.size, self.data = base, size, data
        self.beat_bytes = beat_bytes
        self.error_regions: list[ErrorRegion] = []

    def regions(self) -> list[ErrorRegion]:
        """The error regions, what lies outside the memory included."""
        end = self.base + self.size
        outside = [ErrorRegion(0, self.base, decerr=True), ErrorRegion(end, 1 << 65, decerr=True)]
        return self.error_regions + outside

    def check_access(self, tensor: Tensor, write: bool) -> None:
        """Raise the Fault of the first row that meets an error region.

        Whole 64-byte lines count for reads and writes alike: regions consist of such lines.
        """
        hits = [hit for region in self.regions() if region.fails(write)
                if (hit := first_hit(tensor, region))]
        if hits:
            address, region = min(hits, key=lambda hit: hit[0])
            raise Fault(region.code(write), address)

    def faults_read(self, tensor: Tensor, address: int, code: Error) -> bool:
        """Whether a read of `tensor` can report `code` at beat `address`."""
        return (
            address % self.beat_bytes == 0
            and touches(tensor, address, address + self.beat_bytes)
            and any(region.on_read and region.code(False) == code
                    and region.start <= address < region.end for region in self.regions())
        )

    def faults_write(self, tensor: Tensor, address: int, code: Error) -> bool:
        """Whether a write of `tensor` can report `code` for a burst that starts at `address`."""
        if (address % self.beat_bytes
                or not touches(tensor, address, address + self.beat_bytes)):
            return False
        burst_end = address + BURST_BEATS * self.beat_bytes
        return any(
            region.on_write and region.code(True) == code
            and touches(tensor, max(address, region.start), min(burst_end, region.end))
            for region in self.regions()
        )

    def rows_of(self, tensor: Tensor) -> np.ndarray:
        """The tensor's bytes as a writable view [rows][row_bytes]."""
        offset = tensor.address - self.base
        if offset < 0 or tensor.end > self.base + self.size:
            raise ValueError(f"tensor: {tensor} lies outside the memory")
        return np.lib.stride_tricks.as_strided(
            self.data[offset:], (tensor.rows, tensor.row_bytes), (tensor.stride, 1)
        )

    def read(self, tensor: Tensor) -> np.ndarray:
        """Its elements [rows][cols]: uint16 (FP16), uint32 (FP32) or uint8 (indices). Rows that are
        not used come as zeros."""
        self.check_access(tensor, write=False)
        if not tensor.seen_by and not tensor.phased_by:
            raw = np.ascontiguousarray(self.rows_of(tensor))
        else:
            raw = np.zeros((tensor.rows, tensor.row_bytes), np.uint8)
            rows = tensor.rows_used()
            if rows.size:
                reach = replace(tensor, rows=int(rows[-1]) + 1)
                raw[rows] = self.rows_of(reach)[rows]
        if tensor.bits == NIBBLE:
            return unpack_indices(raw, tensor.cols)
        return raw.view(DTYPES[tensor.bits])

    def write(self, tensor: Tensor, elements: np.ndarray) -> None:
        """Store elements [rows][cols]; of an odd row of indices the last high nibble is zero."""
        if elements.shape != (tensor.rows, tensor.cols):
            raise ValueError(f"elements: shape {elements.shape} is not that of {tensor}")
        self.check_access(tensor, write=True)
        if tensor.bits == NIBBLE:
            raw = pack_indices(elements)
        else:
            raw = np.ascontiguousarray(elements, DTYPES[tensor.bits]).view(np.uint8)
        self.rows_of(tensor)[:] = raw

    def load(self, address: int, data: bytes) -> None:
        """Put bytes into the image, as a host would: error regions do not matter."""
        offset = address - self.base
        if offset < 0 or offset + len(data) > self.size:
            raise ValueError(f"address: {len(data)} bytes at {address:#x} are not in the memory")
        self.data[offset : offset + len(data)] = np.frombuffer(bytes(data), np.uint8)


def lines_of(tensor: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of the 64-byte lines that each row touches, of the rows that are used."""
    starts = tensor.address + tensor.rows_used() * tensor.stride
    first = starts // TENSOR_ALIGN * TENSOR_ALIGN
    last = -(-(starts + tensor.row_bytes) // TENSOR_ALIGN) * TENSOR_ALIGN
    return first, last


def first_hit(tensor: Tensor, region: ErrorRegion) -> tuple[int, ErrorRegion] | None:
    """Lowest address where the tensor's lines meet the region, and the region."""
    if tensor.address >= region.end or tensor.end + TENSOR_ALIGN <= region.start:
        return None
    first, last = lines_of(tensor)
    rows = np.flatnonzero((first < region.end) & (last > region.start))
    if not rows.size:
        return None
    return max(int(first[rows[0]]), region.start), region


def touches(tensor: Tensor, start: int, end: int) -> bool:
    """Whether the tensor's lines meet [start, end)."""
    first, last = lines_of(tensor)
    return start < end and bool(np.any((first < end) & (last > start)))
