# SPDX-License-Identifier: Apache-2.0
"""Programs: lists of commands, checked when they are added, scheduled, and packed for the core."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Iterator

import numpy as np

from sat_golden.compress import check_nm
from sat_golden.defs import (
    MATMUL_MAP_LSB,
    SIZE_MAX,
    STRIDE_MAX,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PruneFlag,
    PruneSlot,
    UpdateFlag,
    UpdateSlot,
)
from sat_golden.descriptor import Descriptor, Slot

from .config import SatConfig
from .memory import FP16, FP32, Compressed, Format, Tensor
from .schedule import ARRAY, VECTOR, choose_map, kept_depth, legal_maps, overlaps

DENSE_NM = (2, 2)  # how a dense command fills its N:M fields: any N = M would do


@dataclass(frozen=True)
class Command:
    """One descriptor, with what the scheduler and a reader want to know about it."""

    label: str
    engine: str | None  # None: FENCE
    descriptor: Descriptor
    reads: tuple[Tensor, ...] = ()
    writes: tuple[Tensor, ...] = ()
    macs: int = 0

    def conflict(self, earlier: "Command") -> str | None:
        """Why this command must not run beside an earlier one, or None."""
        for mine, theirs, what in ((self.reads, earlier.writes, "reads what is written by"),
                                   (self.writes, earlier.reads, "writes what is read by"),
                                   (self.writes, earlier.writes, "writes what is written by")):
            for a in mine:
                for b in theirs:
                    if overlaps(a, b):
                        return f"{a.name}: {what} {earlier.label}"
        return None


@dataclass
class Program:
    """A list of commands for a core of a given configuration.

    Every method checks its arguments and raises ValueError or TypeError, naming the argument, for
    what the core would refuse. `overlap` is set by itself wherever no hazard forbids it.
    """

    config: SatConfig = field(default_factory=SatConfig.from_name)
    commands: list[Command] = field(default_factory=list)
    # The last command given to each engine that may still be running when the next one is issued.
    # An engine takes one command at a time, so everything before that one is complete.
    _running: dict[str, Command] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.commands)

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands)

    @property
    def macs(self) -> int:
        """Multiplies that the MATMULs of the program need."""
        return sum(command.macs for command in self.commands)

    def pack(self) -> bytes:
        """The descriptors as they lie in memory."""
        return b"".join(command.descriptor.pack() for command in self.commands)

    def matmul(self, a: Tensor, s: Tensor | Compressed, out: Tensor, *, a_trans: bool = False,
               bias: Tensor | None = None, residual: Tensor | None = None, relu: bool = False,
               mask: Tensor | None = None, map: int | None = None, overlap: bool | None = None,
               label: str = "") -> Command:
        """`out = epilogue(a . s)`, a [I][K] (or [K][I] with `a_trans`), s [K][J] dense or N:M.

        The epilogue adds `bias` [1][J] and `residual`, applies ReLU, and zeroes what is not
        positive in `mask`; `out` is FP16 or FP32. `map` overrules the scheduler's mapping.
        """
        _tensor("a", a, FP16)
        _tensor("out", out, FP16, FP32)
        depth, cols = s.shape if isinstance(s, Compressed) else _tensor("s", s, FP16).shape
        rows = out.rows
        _shape("a", a, (depth, rows) if a_trans else (rows, depth))
        _shape("out", out, (rows, cols))
        n, m = (s.n, s.m) if isinstance(s, Compressed) else DENSE_NM
        planes = s.planes if isinstance(s, Compressed) else [s]
        maps = legal_maps(self.config, n, m)
        if map is None:
            map = choose_map(self.config, rows, cols, depth, n, m)
        elif map not in maps:
            raise ValueError(f"map: {map} is not one of {maps} for {n}:{m} and T = "
                             f"{self.config.t}")
        flags = {MatmulFlag.A_TRANS: a_trans, MatmulFlag.OUT_FP32: out.format is FP32,
                 MatmulFlag.BIAS: bias is not None, MatmulFlag.RESIDUAL: residual is not None,
                 MatmulFlag.RELU: relu, MatmulFlag.MASK: mask is not None}
        slots = {MatmulSlot.A: a, MatmulSlot.S_VALUES: planes[0], MatmulSlot.C: out,
                 MatmulSlot.S_INDICES: planes[1] if len(planes) > 1 else None,
                 MatmulSlot.BIAS: bias, MatmulSlot.RESIDUAL: residual, MatmulSlot.MASK: mask}
        if bias is not None:
            _shape("bias", _tensor("bias", bias, FP32), (1, cols))
        reads = [a, *planes]
        for name, addend in (("residual", residual), ("mask", mask)):
            if addend is None:
                continue
            _shape(name, _tensor(name, addend, FP16), (rows, cols))
            in_place = (addend.addr, addend.stride) == (out.addr, out.stride) and out.format is FP16
            if overlaps(out, addend) and not in_place:
                raise ValueError(f"out: overlaps {name} without being the same FP16 matrix")
        _no_overlap("out", out, {"a": a, "s": planes[0], "bias": bias,
                                 "s's indices": planes[1] if len(planes) > 1 else None})
        reads += [tensor for tensor in (bias, residual, mask) if tensor is not None]
        return self._add(
            label or f"MATMUL {out.name}", ARRAY, Opcode.MATMUL, n, m, overlap,
            flags=_flag_bits(flags) | map << MATMUL_MAP_LSB,
            rows=rows, cols=cols, depth=depth, slots=slots, reads=reads, writes=[out],
            macs=rows * cols * kept_depth(depth, n, m))

    def prune(self, w: Tensor, *, ff: Compressed | None = None, bp: Compressed | None = None,
              overlap: bool | None = None, label: str = "") -> Command:
        """Round w [K][J] to FP16 and write its N:M copies: `ff` [K][J] and `bp` [J][K]."""
        _tensor("w", w, FP16, FP32)
        if ff is None and bp is None:
            raise ValueError("ff, bp: at least one copy must be asked for")
        n, m = _copies_nm(w, ff, bp)
        flags = {PruneFlag.FF: ff is not None, PruneFlag.BP: bp is not None,
                 PruneFlag.SRC_FP16: w.format is FP16}
        slots = {PruneSlot.W: w, **_copy_slots(ff, bp)}
        writes = _planes(ff, bp)
        for plane in writes:
            _no_overlap(plane.name, plane, {"w": w})
        return self._add(label or f"PRUNE {w.name}", VECTOR, Opcode.PRUNE, n, m, overlap,
                         flags=_flag_bits(flags), rows=w.rows, cols=w.cols,
                         slots=slots, reads=[w], writes=writes)

    def update(self, w: Tensor, v: Tensor, dw: Tensor, *, lr: float, momentum: float = 0.0,
               inv_scale: float = 1.0, decay: float | None = None, ff: Compressed | None = None,
               bp: Compressed | None = None, skip_on_overflow: bool = False,
               overlap: bool | None = None, label: str = "") -> Command:
        """One step of momentum SGD on w [K][J] with velocity v and gradient dw, then as `prune`."""
        for name, tensor in (("w", w), ("v", v), ("dw", dw)):
            _shape(name, _tensor(name, tensor, FP32), w.shape)
        for name, value in (("lr", lr), ("momentum", momentum), ("inv_scale", inv_scale),
                            ("decay", 0.0 if decay is None else decay)):
            if not math.isfinite(value):
                raise ValueError(f"{name}: {value} is not finite")
        n, m = _copies_nm(w, ff, bp)
        flags = {UpdateFlag.FF: ff is not None, UpdateFlag.BP: bp is not None,
                 UpdateFlag.DECAY: decay is not None,
                 UpdateFlag.SKIP_ON_OVERFLOW: skip_on_overflow}
        slots = {UpdateSlot.W: w, UpdateSlot.V: v, UpdateSlot.DW: dw, **_copy_slots(ff, bp)}
        _no_overlap("w", w, {"v": v, "dw": dw})
        _no_overlap("v", v, {"dw": dw})
        for plane in _planes(ff, bp):
            _no_overlap(plane.name, plane, {"w": w, "v": v, "dw": dw})
        return self._add(label or f"UPDATE {w.name}", VECTOR, Opcode.UPDATE, n, m, overlap,
                         flags=_flag_bits(flags), rows=w.rows, cols=w.cols,
                         inv_scale=fp32_bits(inv_scale), decay=fp32_bits(decay or 0.0),
                         momentum=fp32_bits(momentum), lr=fp32_bits(lr),
                         slots=slots, reads=[w, v, dw], writes=[w, v, *_planes(ff, bp)])

    def fence(self, *, irq: bool = False, label: str = "") -> Command:
        """Wait for all earlier commands, then latch the overflow flag for `skip_on_overflow`."""
        self._running.clear()
        command = Command(label or "FENCE", None,
                          Descriptor(Opcode.FENCE, flags=_flag_bits({FenceFlag.IRQ: irq})))
        self.commands.append(command)
        return command

    def _add(self, label: str, engine: str, opcode: Opcode, n: int, m: int, overlap: bool | None,
             reads: list[Tensor], writes: list[Tensor], macs: int = 0, **fields) -> Command:
        other = VECTOR if engine is ARRAY else ARRAY
        beside = self._running.get(other)
        draft = Command(label, engine, None, tuple(reads), tuple(writes), macs)
        conflict = beside and draft.conflict(beside)
        if overlap and conflict:
            raise ValueError(f"overlap: {label} cannot run beside {beside.label} ({conflict})")
        if overlap is None:
            overlap = conflict is None
        if not overlap:
            self._running.clear()
        command = Command(label, engine, _descriptor(opcode, n=n, m=m, overlap=overlap, **fields),
                          draft.reads, draft.writes, macs)
        self._running[engine] = command
        self.commands.append(command)
        return command


def fp32_bits(value: float) -> int:
    """The FP32 pattern nearest to a number."""
    return int(np.float32(value).view(np.uint32))


def _flag_bits(flags: dict[int, bool]) -> int:
    return sum(int(flag) for flag, is_set in flags.items() if is_set)


def _descriptor(opcode: Opcode, *, slots: dict[int, Tensor | None], **fields) -> Descriptor:
    used = {number: Slot(tensor.addr, tensor.stride)
            for number, tensor in slots.items() if tensor is not None}
    if opcode is Opcode.MATMUL and MatmulSlot.BIAS in used:  # a vector has no stride
        used[MatmulSlot.BIAS] = Slot(used[MatmulSlot.BIAS].address)
    return Descriptor(opcode, slots=used, **fields)


def _tensor(name: str, value: object, *formats: Format) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: a Tensor is needed, not {type(value).__name__}")
    if value.format not in formats:
        raise TypeError(f"{name}: {value.name} is {value.format.name}, but must be "
                        f"{' or '.join(format.name for format in formats)}")
    if max(value.shape) > SIZE_MAX or value.stride > STRIDE_MAX:
        raise ValueError(f"{name}: {value.name} {value.shape} is larger than the core can address")
    return value


def _shape(name: str, tensor: Tensor, shape: tuple[int, int]) -> None:
    if tensor.shape != shape:
        raise ValueError(f"{name}: {tensor.name} has shape {tensor.shape}, but must be {shape}")


def _no_overlap(name: str, output: Tensor, inputs: dict[str, Tensor | None]) -> None:
    for other, tensor in inputs.items():
        if tensor is not None and overlaps(output, tensor):
            raise ValueError(f"{name}: overlaps {other} ({tensor.name})")


def _planes(*copies: Compressed | None) -> list[Tensor]:
    return [plane for copy in copies if copy is not None for plane in copy.planes]


def _copies_nm(w: Tensor, ff: Compressed | None, bp: Compressed | None) -> tuple[int, int]:
    """The N:M that both copies share, after checking their shapes."""
    for name, copy, shape in (("ff", ff, w.shape), ("bp", bp, w.shape[::-1])):
        if copy is None:
            continue
        if not isinstance(copy, Compressed):
            raise TypeError(f"{name}: a Compressed is needed, not {type(copy).__name__}")
        if copy.shape != shape:
            raise ValueError(f"{name}: {copy.name} has shape {copy.shape}, but must be {shape}")
        check_nm(copy.n, copy.m)
    if ff is not None and bp is not None and (ff.n, ff.m) != (bp.n, bp.m):
        raise ValueError(f"bp: is {bp.n}:{bp.m}, but ff is {ff.n}:{ff.m}")
    copy = ff or bp
    return (copy.n, copy.m) if copy is not None else DENSE_NM


def _copy_slots(ff: Compressed | None, bp: Compressed | None) -> dict[int, Tensor | None]:
    """Slots of the copies; PRUNE and UPDATE number them alike."""
    return {PruneSlot.FF_VALUES: ff and ff.values, PruneSlot.FF_INDICES: ff and ff.indices,
            PruneSlot.BP_VALUES: bp and bp.values, PruneSlot.BP_INDICES: bp and bp.indices}
