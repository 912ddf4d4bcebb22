# SPDX-License-Identifier: Apache-2.0
"""Tensors in the core's memory: formats, handles, and an allocator over a memory window.

A handle knows where its elements lie (docs/reference/commands.md, "Formats") and reads and writes
numpy arrays. `tensor[r0:r1, c0:c1]` is a view of the same memory, which is how a large command is
split into smaller ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import numpy as np

from sat_golden.arguments import integer
from sat_golden.compress import Planes, check_nm, compressed_rows, decompress
from sat_golden.defs import SIZE_MAX, TENSOR_ALIGN

from .address_space import AddressSpace, align


class Format(Enum):
    """Element formats; the value is (bits, numpy type that a host array of it has)."""

    FP16 = (16, np.float16)
    FP32 = (32, np.float32)
    INDEX = (4, np.uint8)

    @property
    def bits(self) -> int:
        return self.value[0]

    @property
    def numpy(self) -> type:
        return self.value[1]

    def row_bytes(self, cols: int) -> int:
        """Bytes that a row of `cols` elements occupies."""
        return (cols * self.bits + 7) // 8


FP16 = Format.FP16
FP32 = Format.FP32
INDEX = Format.INDEX


def _check_shape(shape: tuple[int, int]) -> tuple[int, int]:
    try:
        rows, cols = shape
    except (TypeError, ValueError):
        raise ValueError(f"shape: {shape!r} is not (rows, cols)") from None
    return (integer("shape: rows", rows, 1, SIZE_MAX), integer("shape: cols", cols, 1, SIZE_MAX))


def _slices(index: object, name: str) -> tuple[slice, slice]:
    """The two slices of a view."""
    if not isinstance(index, tuple) or len(index) != 2:
        raise IndexError(f"{name}: a view takes two slices, [r0:r1, c0:c1], not [{index!r}]")
    return index


def _span(index: slice, size: int, unit: int, what: str) -> tuple[int, int]:
    """Start and stop of a slice whose start must be a multiple of `unit`."""
    if not isinstance(index, slice) or index.step not in (None, 1):
        raise IndexError(f"{what}: a view takes a slice without a step, not {index!r}")
    start, stop, _ = index.indices(size)
    if stop <= start:
        raise IndexError(f"{what}: {start}:{stop} is empty")
    if start % unit:
        raise IndexError(f"{what}: a view starts at a multiple of {unit}, not at {start}")
    return start, stop


@dataclass(frozen=True)
class Tensor:
    """A row-major matrix in the core's memory."""

    name: str
    shape: tuple[int, int]
    format: Format
    addr: int
    stride: int
    backend: AddressSpace = field(repr=False, compare=False)

    @property
    def rows(self) -> int:
        return self.shape[0]

    @property
    def cols(self) -> int:
        return self.shape[1]

    @property
    def row_bytes(self) -> int:
        return self.format.row_bytes(self.cols)

    @cached_property
    def extent(self) -> tuple[int, int]:
        """First address, and the address after the last byte."""
        return self.addr, self.addr + (self.rows - 1) * self.stride + self.row_bytes

    def overlaps(self, other: Tensor) -> bool:
        """True if the two may share a byte.

        Column windows of the same matrix interleave without touching; everything else is judged by
        its address range.
        """
        (start, end), (other_start, other_end) = self.extent, other.extent
        if end <= other_start or other_end <= start:
            return False
        if self.stride == other.stride and self.stride:
            offset = (other_start - start) % self.stride
            apart = offset >= self.row_bytes and offset + other.row_bytes <= self.stride
            return not apart
        return True

    def __getitem__(self, index: tuple[slice, slice]) -> Tensor:
        """A view; its first column must lie on a 64-byte line."""
        row_index, col_index = _slices(index, self.name)
        r0, r1 = _span(row_index, self.rows, 1, f"{self.name} rows")
        c0, c1 = _span(col_index, self.cols, TENSOR_ALIGN * 8 // self.format.bits,
                       f"{self.name} columns")
        return Tensor(f"{self.name}[{r0}:{r1}, {c0}:{c1}]", (r1 - r0, c1 - c0), self.format,
                      self.addr + r0 * self.stride + c0 * self.format.bits // 8,
                      self.stride, self.backend)

    def as_row(self, cols: int) -> Tensor:
        """The first `cols` elements of a matrix without gaps, as a matrix of one row."""
        if self.stride != self.row_bytes:
            raise ValueError(f"{self.name}: its rows do not touch, so they make no vector")
        if not 1 <= cols <= self.rows * self.cols:
            raise ValueError(f"cols: {cols} is not in 1..{self.rows * self.cols}")
        return Tensor(self.name, (1, cols), self.format, self.addr,
                      align(self.format.row_bytes(cols)), self.backend)

    def raw(self) -> np.ndarray:
        """The bytes of the rows, `[rows][row_bytes]`, without what lies between them."""
        start, end = self.extent
        window = np.zeros(self.rows * self.stride, np.uint8)
        window[: end - start] = self.backend.read_memory(start, end - start)
        return window.reshape(self.rows, self.stride)[:, : self.row_bytes]

    def read(self) -> np.ndarray:
        """The elements; an INDEX tensor is unpacked to one index per uint8."""
        raw = np.ascontiguousarray(self.raw())
        if self.format is INDEX:
            return np.stack([raw & 15, raw >> 4], axis=2).reshape(self.rows, -1)[:, : self.cols]
        return raw.view(self.format.numpy)

    def write(self, values) -> None:
        """Write elements: an array of this shape and of the format's numpy type."""
        array = np.asarray(values)
        if array.shape != self.shape:
            raise ValueError(f"values: shape {array.shape} does not fit {self.name} {self.shape}")
        if array.dtype != self.format.numpy:
            raise TypeError(f"values: {array.dtype} does not fit {self.name}, "
                            f"which takes {np.dtype(self.format.numpy)}")
        if self.format is INDEX:
            padded = np.zeros((self.rows, 2 * self.row_bytes), np.uint8)
            padded[:, : self.cols] = array & 15
            raw = padded[:, 0::2] | padded[:, 1::2] << 4
        else:
            raw = np.ascontiguousarray(array).view(np.uint8)
        if self.stride == self.row_bytes or self.rows == 1:
            self.backend.write_memory(self.addr, raw.reshape(-1))
            return
        for row in range(self.rows):  # the bytes between rows are not ours to write
            self.backend.write_memory(self.addr + row * self.stride, raw[row])


@dataclass(frozen=True)
class Compressed:
    """An N:M matrix: values and index planes, `ceil(rows/M)*N` rows each.

    With N = M the values plane is the dense matrix and there is no index plane.
    """

    name: str
    shape: tuple[int, int]
    n: int
    m: int
    values: Tensor
    indices: Tensor | None

    @property
    def backend(self) -> AddressSpace:
        return self.values.backend

    @property
    def planes(self) -> list[Tensor]:
        return [self.values] if self.indices is None else [self.values, self.indices]

    def __getitem__(self, index: tuple[slice, slice]) -> Compressed:
        """A view; its first row is a multiple of M, its first column on a 64-byte line."""
        row_index, col_index = _slices(index, self.name)
        r0, r1 = _span(row_index, self.shape[0], self.m, f"{self.name} rows")
        cols = _span(col_index, self.shape[1], 1, f"{self.name} columns")
        if self.indices is None:
            plane_rows = slice(r0, r1)
        else:
            plane_rows = slice(r0 // self.m * self.n, -(-r1 // self.m) * self.n)
        values = self.values[plane_rows, slice(*cols)]
        indices = self.indices and self.indices[plane_rows, slice(*cols)]
        return Compressed(values.name, (r1 - r0, cols[1] - cols[0]), self.n, self.m,
                          values, indices)

    def to_dense(self) -> np.ndarray:
        """The matrix as float16, with zeros where elements were dropped."""
        planes = Planes(self.values.read().view(np.uint16),
                        None if self.indices is None else self.indices.read())
        return decompress(planes, self.shape[0], self.n, self.m).view(np.float16)


@dataclass(frozen=True)
class Stack:
    """N:M matrices of one shape on top of each other, one per kernel position: what a convolution
    reads as S. Each is padded to whole groups by itself; with N = M none is padded.

    `stack[position]` is one of them, where PRUNE and UPDATE write.
    """

    name: str
    count: int
    shape: tuple[int, int]  # of each
    n: int
    m: int
    values: Tensor
    indices: Tensor | None

    @property
    def backend(self) -> AddressSpace:
        return self.values.backend

    @property
    def planes(self) -> list[Tensor]:
        return [self.values] if self.indices is None else [self.values, self.indices]

    def __getitem__(self, position: int) -> Compressed:
        if not isinstance(position, (int, np.integer)) or not 0 <= position < self.count:
            raise IndexError(f"{self.name}: position {position!r} is not in 0..{self.count - 1}")
        rows = self.values.rows // self.count
        span = slice(position * rows, (position + 1) * rows), slice(None)
        return Compressed(f"{self.name}[{position}]", self.shape, self.n, self.m,
                          self.values[span], self.indices and self.indices[span])

    def to_dense(self) -> np.ndarray:
        """The matrices as float16 [count][rows][cols], with zeros where elements were dropped."""
        return np.stack([self[position].to_dense() for position in range(self.count)])


@dataclass(frozen=True)
class FeatureMap:
    """`images` maps of h x w pixels: a tensor with a row per pixel and a column per channel."""

    tensor: Tensor
    images: int
    h: int
    w: int

    @property
    def channels(self) -> int:
        return self.tensor.cols

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.images, self.h, self.w, self.channels

    def part(self, first: int, end: int) -> FeatureMap:
        """A view of the images first..end-1."""
        if not 0 <= first < end <= self.images:
            raise IndexError(f"{self.tensor.name}: {first}..{end - 1} are not among its images "
                             f"0..{self.images - 1}")
        pixels = self.h * self.w
        return replace(self, images=end - first,
                       tensor=self.tensor[first * pixels : end * pixels, :])

    def read(self) -> np.ndarray:
        """The elements, float16 [images][h][w][channels]."""
        return self.tensor.read().reshape(self.shape)

    def write(self, values: np.ndarray) -> None:
        """Write elements, float16 [images][h][w][channels]."""
        values = np.asarray(values)
        if values.shape != self.shape:
            raise ValueError(f"values: shape {values.shape}, but {self.tensor.name} is "
                             f"{self.shape}")
        self.tensor.write(values.reshape(self.tensor.shape))


class Memory:
    """Hands out tensors from a backend's memory window, one after the other."""

    def __init__(self, backend: AddressSpace):
        self.backend = backend
        self.tensors: list[Tensor] = []

    @property
    def used(self) -> int:
        """Bytes of the window that are handed out."""
        return self.backend.used

    def reserve(self, size: int, alignment: int = TENSOR_ALIGN) -> int:
        """The address of `size` fresh bytes."""
        return self.backend.reserve(size, alignment)

    def tensor(self, name: str, shape: tuple[int, int], format: Format) -> Tensor:
        """A new tensor. Its contents are whatever the memory held."""
        if not isinstance(format, Format):
            raise TypeError(f"format: {format!r} is not FP16, FP32 or INDEX")
        rows, cols = _check_shape(shape)
        stride = align(format.row_bytes(cols))
        # With the widest bus a line of the map cache is two of 64 bytes.
        try:
            addr = self.reserve(rows * stride, 2 * TENSOR_ALIGN)
        except MemoryError as error:
            raise MemoryError(f"{name}: {error}") from None
        tensor = Tensor(name, (rows, cols), format, addr, stride, self.backend)
        self.tensors.append(tensor)
        return tensor

    def from_array(self, name: str, values) -> Tensor:
        """A new tensor with the contents of a float16 or float32 matrix."""
        array = np.asarray(values)
        formats = {np.dtype(np.float16): FP16, np.dtype(np.float32): FP32}
        if array.dtype not in formats:
            raise TypeError(f"values: {array.dtype} is neither float16 nor float32")
        tensor = self.tensor(name, array.shape, formats[array.dtype])
        tensor.write(array)
        return tensor

    def compressed(self, name: str, shape: tuple[int, int], n: int, m: int) -> Compressed:
        """The planes of a new N:M matrix, N:M along its rows."""
        rows, cols = _check_shape(shape)
        check_nm(n, m)
        if n == m:
            values, indices = self.tensor(name, (rows, cols), FP16), None
        else:
            plane = (compressed_rows(rows, n, m), cols)
            values = self.tensor(f"{name}.values", plane, FP16)
            indices = self.tensor(f"{name}.indices", plane, INDEX)
        return Compressed(name, (rows, cols), n, m, values, indices)

    def stack(self, name: str, count: int, shape: tuple[int, int], n: int, m: int) -> Stack:
        """The planes of `count` new N:M matrices, N:M along the rows of each."""
        rows, cols = _check_shape(shape)
        check_nm(n, m)
        count = integer("count", count, 1, SIZE_MAX)
        kept = compressed_rows(rows, n, m)
        plane = count * kept, cols
        values = self.tensor(name if n == m else f"{name}.values", plane, FP16)
        indices = None if n == m else self.tensor(f"{name}.indices", plane, INDEX)
        return Stack(name, count, (rows, cols), n, m, values, indices)

    def feature_map(self, name: str, images: int, h: int, w: int, channels: int) -> FeatureMap:
        """A new FP16 feature map."""
        images, h, w = (integer(name, size, 1, SIZE_MAX)
                        for name, size in (("images", images), ("h", h), ("w", w)))
        return FeatureMap(self.tensor(name, (images * h * w, channels), FP16), images, h, w)
