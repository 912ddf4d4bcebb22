# SPDX-License-Identifier: Apache-2.0
"""Programs: lists of commands, checked when they are added, scheduled, and packed for the core."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Iterator

from sat_golden.compress import check_nm
from sat_golden.defs import (
    FIELDS,
    MATMUL_MAP_LSB,
    POOL_POSITIONS_MAX,
    SIZE_MAX,
    STRIDE_MAX,
    AffineFlag,
    AffineSlot,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolFlag,
    PoolSlot,
    PruneFlag,
    PruneSlot,
    StatsFlag,
    StatsSlot,
    UpdateFlag,
    UpdateSlot,
)
from sat_golden.descriptor import Descriptor, Slot
from sat_golden.layers import fp32
from sat_golden.windows import Windows

from .config import SatConfig
from .memory import FP16, FP32, INDEX, Compressed, Format, Stack, Tensor
from .plan import (
    ARRAY,
    VECTOR,
    Tiling,
    choose_map,
    estimate_cycles,
    estimate_map_cycles,
    estimate_update_cycles,
    legal_maps,
)
from .plan.tiling import LINE_BYTES

if TYPE_CHECKING:
    from .backend import Backend

DENSE_NM = (2, 2)  # how a dense command fills its N:M fields: any N = M would do
NO_NM = (0, 0)  # of commands that have none

# Slots of vectors, which have no stride.
VECTORS = {Opcode.MATMUL: {MatmulSlot.BIAS}, Opcode.STATS: {StatsSlot.SUM, StatsSlot.DOT},
           Opcode.AFFINE: {AffineSlot.ALPHA, AffineSlot.BETA, AffineSlot.GAMMA}}


@dataclass(frozen=True)
class Command:
    """One descriptor, with what the scheduler and a reader want to know about it."""

    label: str
    engine: str | None  # None: FENCE
    descriptor: Descriptor
    reads: tuple[Tensor, ...] = ()
    writes: tuple[Tensor, ...] = ()
    macs: int = 0
    estimate: float = 0.0  # cycles, about

    def conflict(self, earlier: "Command") -> str | None:
        """Why this command must not run beside an earlier one, or None."""
        for mine, theirs, what in ((self.reads, earlier.writes, "reads what is written by"),
                                   (self.writes, earlier.reads, "writes what is read by"),
                                   (self.writes, earlier.writes, "writes what is written by")):
            for a in mine:
                for b in theirs:
                    if a.overlaps(b):
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
    # Whose tensors it uses, and which runs it. A draft, without, takes any and does not run.
    backend: Backend | None = field(default=None, repr=False)
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
        depth, cols = s.shape if isinstance(s, Compressed) else _tensor("s", s, FP16).shape
        rows = _tensor("out", out, FP16, FP32).rows
        _shape("a", a, (depth, rows) if a_trans else (rows, depth))
        _shape("out", out, (rows, cols))
        n, m = (s.n, s.m) if isinstance(s, Compressed) else DENSE_NM
        tiling = Tiling(self.config, rows, cols, depth, n, m)
        return self._multiply(
            a, s, out, tiling, map, {MatmulFlag.A_TRANS: a_trans},
            dict(rows=rows, cols=cols, depth=depth), tiling.macs,
            bias, residual, relu, mask, overlap, label or f"MATMUL {out.name}")

    def conv(self, a: Tensor, s: Tensor | Stack | Compressed, out: Tensor, windows: Windows, *,
             a_trans: bool = False, bias: Tensor | None = None, residual: Tensor | None = None,
             relu: bool = False, mask: Tensor | None = None, map: int | None = None,
             overlap: bool | None = None, label: str = "") -> Command:
        """`out = epilogue(A . s)`, A the P*C values that each of G windows sees on a [pixels][C].

        s is [P*C][J] dense, or a Stack of P matrices [C][J]; out [G][J]. With `a_trans` A is
        transposed: s [G][J] dense or N:M, out [P*C][J]. The rest is as in `matmul`. Zeros that
        `upsample` inserts do not count as multiplies, padding does.
        """
        _windows(windows)
        channels, count, positions = _tensor("a", a, FP16).cols, windows.count, windows.positions
        _shape("a", a, (windows.pixels, channels))
        kind = Compressed if a_trans else Stack
        if not isinstance(s, kind):
            _tensor("s", s, FP16)
        cols = _tensor("out", out, FP16, FP32).cols
        n, m = (s.n, s.m) if isinstance(s, kind) else DENSE_NM
        if positions * channels > SIZE_MAX:
            raise ValueError(f"windows: {positions} positions of {channels} channels are more than "
                             f"{SIZE_MAX}")
        if isinstance(s, Stack):
            if (s.count, *s.shape) != (positions, channels, cols):
                raise ValueError(f"s: {s.name} has {s.count} matrices {s.shape}, but must have "
                                 f"{positions} of {(channels, cols)}")
        else:
            _shape("s", s, (count if a_trans else positions * channels, cols))
        lines = windows.pixels * -(-a.row_bytes // LINE_BYTES)
        tiling = Tiling.conv(self.config, windows, channels, cols, n, m, a_trans=a_trans,
                             lines=lines)
        _shape("out", out, (positions * channels if a_trans else count, cols))
        return self._multiply(
            a, s, out, tiling, map, {MatmulFlag.A_TRANS: a_trans, MatmulFlag.CONV: True},
            dict(windows.fields(), cols=cols, depth=channels),
            tiling.macs * _fed(windows) // (positions * count),
            bias, residual, relu, mask, overlap, label or f"CONV {out.name}")

    def _multiply(self, a: Tensor, s: Tensor | Compressed | Stack, out: Tensor, tiling: Tiling,
                  map: int | None, flags: dict[MatmulFlag, bool], fields: dict[str, int],
                  macs: int, bias: Tensor | None, residual: Tensor | None, relu: bool,
                  mask: Tensor | None, overlap: bool | None, label: str) -> Command:
        """What `matmul` and `conv` share, once the shapes of a, s and out are checked."""
        self._own(a=a, s=s, out=out)
        planes = [s] if isinstance(s, Tensor) else s.planes
        indices = planes[1] if len(planes) > 1 else None
        n, m = tiling.n, tiling.m
        maps = legal_maps(self.config, n, m)
        if map is None:
            map = choose_map(tiling)
        elif map not in maps:
            raise ValueError(f"map: {map} is not one of {maps} for {n}:{m} and T = "
                             f"{self.config.t}")
        flags = {**flags, MatmulFlag.OUT_FP32: out.format is FP32,
                 MatmulFlag.BIAS: bias is not None, MatmulFlag.RESIDUAL: residual is not None,
                 MatmulFlag.RELU: relu, MatmulFlag.MASK: mask is not None}
        slots = {MatmulSlot.A: a, MatmulSlot.S_VALUES: planes[0], MatmulSlot.C: out,
                 MatmulSlot.S_INDICES: indices, MatmulSlot.BIAS: bias,
                 MatmulSlot.RESIDUAL: residual, MatmulSlot.MASK: mask}
        if bias is not None:
            _vector("bias", bias, out.cols)
        for name, addend in (("residual", residual), ("mask", mask)):
            if addend is not None:
                _shape(name, _tensor(name, addend, FP16), out.shape)
                _in_place_or_apart("out", out, name, addend)
        self._own(bias=bias, residual=residual, mask=mask)
        _no_overlap("out", out, {"a": a, "s": planes[0], "s's indices": indices, "bias": bias})
        reads = [a, *planes, *(tensor for tensor in (bias, residual, mask) if tensor is not None)]
        return self._add(
            label, ARRAY, Opcode.MATMUL, n, m, overlap,
            flags=_flag_bits(flags) | map << MATMUL_MAP_LSB, **fields,
            slots=slots, reads=reads, writes=[out], macs=macs,
            estimate=estimate_cycles(replace(tiling, map=map)))

    def prune(self, w: Tensor, *, ff: Compressed | None = None, bp: Compressed | None = None,
              overlap: bool | None = None, label: str = "") -> Command:
        """Round w [K][J] to FP16 and write its N:M copies: `ff` [K][J] and `bp` [J][K]."""
        _tensor("w", w, FP16, FP32)
        if ff is None and bp is None:
            raise ValueError("ff, bp: at least one copy must be asked for")
        n, m = _copies_nm(w, ff, bp)
        self._own(w=w, ff=ff, bp=bp)
        flags = {PruneFlag.FF: ff is not None, PruneFlag.BP: bp is not None,
                 PruneFlag.SRC_FP16: w.format is FP16}
        slots = {PruneSlot.W: w, **_copy_slots(ff, bp)}
        writes = _planes(ff, bp)
        _planes_apart(writes, {"w": w})
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
        scalars = {name: fp32(value, name) for name, value in (
            ("lr", lr), ("momentum", momentum), ("inv_scale", inv_scale),
            ("decay", 0.0 if decay is None else decay))}
        n, m = _copies_nm(w, ff, bp)
        self._own(w=w, v=v, dw=dw, ff=ff, bp=bp)
        flags = {UpdateFlag.FF: ff is not None, UpdateFlag.BP: bp is not None,
                 UpdateFlag.DECAY: decay is not None,
                 UpdateFlag.SKIP_ON_OVERFLOW: skip_on_overflow}
        slots = {UpdateSlot.W: w, UpdateSlot.V: v, UpdateSlot.DW: dw, **_copy_slots(ff, bp)}
        _no_overlap("w", w, {"v": v, "dw": dw})
        _no_overlap("v", v, {"dw": dw})
        _planes_apart(_planes(ff, bp), {"w": w, "v": v, "dw": dw})
        return self._add(label or f"UPDATE {w.name}", VECTOR, Opcode.UPDATE, n, m, overlap,
                         flags=_flag_bits(flags), rows=w.rows, cols=w.cols, **scalars,
                         slots=slots, reads=[w, v, dw], writes=[w, v, *_planes(ff, bp)],
                         estimate=estimate_update_cycles(*w.shape, _dense_copies(ff, bp)))

    def affine(self, x: Tensor, out: Tensor, alpha: Tensor, gamma: Tensor, *,
               y: Tensor | None = None, beta: Tensor | None = None, relu: bool = False,
               overlap: bool | None = None, label: str = "") -> Command:
        """`out = alpha*x + gamma`, or with y `alpha*x + (beta*y + gamma)`, then ReLU.

        x, y, out are FP16 [R][C]; alpha, beta, gamma FP32 [1][C]. out may be x or y.
        """
        _tensor("x", x, FP16)
        if (y is None) != (beta is None):
            raise ValueError("beta: is given with y, and only with y")
        vectors = {"alpha": alpha, "gamma": gamma} | ({} if beta is None else {"beta": beta})
        for name, vector in vectors.items():
            _vector(name, vector, x.cols)
        for name, tensor in (("y", y), ("out", out)):
            if tensor is not None:
                _shape(name, _tensor(name, tensor, FP16), x.shape)
        self._own(x=x, y=y, out=out, **vectors)
        for name, tensor in (("x", x), ("y", y)):
            if tensor is not None:
                _in_place_or_apart("out", out, name, tensor)
        _no_overlap("out", out, vectors)
        flags = {AffineFlag.SECOND: y is not None, AffineFlag.RELU: relu}
        slots = {AffineSlot.X: x, AffineSlot.Y: y, AffineSlot.OUT: out, AffineSlot.ALPHA: alpha,
                 AffineSlot.BETA: beta, AffineSlot.GAMMA: gamma}
        return self._add(label or f"AFFINE {out.name}", VECTOR, Opcode.AFFINE, *NO_NM, overlap,
                         flags=_flag_bits(flags), rows=x.rows, cols=x.cols, slots=slots,
                         reads=[x, *([y] if y else []), *vectors.values()], writes=[out],
                         estimate=estimate_map_cycles(*x.shape, 2 if y else 1))

    def stats(self, x: Tensor, total: Tensor, dot: Tensor, *, y: Tensor | None = None,
              overlap: bool | None = None, label: str = "") -> Command:
        """Sums over the rows of x [R][C]: `total` of x and `dot` of x*y, FP32 [1][C]; y may be
        left out, and is x then."""
        _tensor("x", x, FP16)
        if y is not None:
            _shape("y", _tensor("y", y, FP16), x.shape)
        for name, vector in (("total", total), ("dot", dot)):
            _vector(name, vector, x.cols)
        self._own(x=x, y=y, total=total, dot=dot)
        for name, vector in (("total", total), ("dot", dot)):
            _no_overlap(name, vector, {"x": x, "y": y})
        _no_overlap("dot", dot, {"total": total})
        slots = {StatsSlot.X: x, StatsSlot.Y: y, StatsSlot.SUM: total, StatsSlot.DOT: dot}
        return self._add(label or f"STATS {x.name}", VECTOR, Opcode.STATS, *NO_NM, overlap,
                         flags=_flag_bits({StatsFlag.SECOND: y is not None}), rows=x.rows,
                         cols=x.cols, slots=slots, reads=[x, *([y] if y else [])],
                         writes=[total, dot], estimate=estimate_map_cycles(*x.shape, 2))

    def max_pool(self, x: Tensor, out: Tensor, winner: Tensor, windows: Windows, *,
                 overlap: bool | None = None, label: str = "") -> Command:
        """The largest value of x [pixels][C] that each window sees, and its position: out FP16 and
        winner INDEX, both [G][C]."""
        shape = windows.count, _tensor("x", x, FP16).cols
        _shape("out", _tensor("out", out, FP16), shape)
        _shape("winner", _tensor("winner", winner, INDEX), shape)
        self._own(x=x, out=out, winner=winner)
        _no_overlap("winner", winner, {"x": x, "out": out})
        return self._pool(x, out, winner, windows, False, [x], [out, winner], overlap, label)

    def max_pool_backward(self, d_out: Tensor, winner: Tensor, d_x: Tensor, windows: Windows, *,
                          overlap: bool | None = None, label: str = "") -> Command:
        """Gradient d_out of what `max_pool` gave -> d_x, that of its x. `windows` are the
        `transposed()` of the forward ones: d_out [pixels][C] of theirs, d_x [G][C]."""
        channels = _tensor("d_out", d_out, FP16).cols
        _shape("winner", _tensor("winner", winner, INDEX), d_out.shape)
        _shape("d_x", _tensor("d_x", d_x, FP16), (windows.count, channels))
        self._own(d_out=d_out, winner=winner, d_x=d_x)
        _no_overlap("d_x", d_x, {"winner": winner})
        return self._pool(d_out, d_x, winner, windows, True, [d_out, winner], [d_x], overlap, label)

    def _pool(self, x: Tensor, out: Tensor, winner: Tensor, windows: Windows, backward: bool,
              reads: list[Tensor], writes: list[Tensor], overlap: bool | None,
              label: str) -> Command:
        _windows(windows)
        if windows.positions > POOL_POSITIONS_MAX:
            raise ValueError(f"windows: {windows.positions} positions, but POOL takes "
                             f"{POOL_POSITIONS_MAX}")
        _shape("d_out" if backward else "x", x, (windows.pixels, x.cols))
        _no_overlap("d_x" if backward else "out", out, {"d_out" if backward else "x": x})
        return self._add(label or f"POOL {out.name}", VECTOR, Opcode.POOL, *NO_NM, overlap,
                         flags=_flag_bits({PoolFlag.BACKWARD: backward}), **windows.fields(),
                         cols=x.cols, reads=reads, writes=writes,
                         slots={PoolSlot.X: x, PoolSlot.OUT: out, PoolSlot.WINNER: winner})

    def fence(self, *, irq: bool = False, label: str = "") -> Command:
        """Wait for all earlier commands, then latch the overflow flag for `skip_on_overflow`."""
        self._running.clear()
        command = Command(label or "FENCE", None,
                          Descriptor(Opcode.FENCE, flags=_flag_bits({FenceFlag.IRQ: irq})))
        self.commands.append(command)
        return command

    def _own(self, **arguments: Tensor | Compressed | Stack | None) -> None:
        """ValueError for a tensor in another backend's memory."""
        for name, value in arguments.items():
            if self.backend and value is not None and value.backend is not self.backend:
                raise ValueError(f"{name}: {value.name} is a tensor of another core")

    def _add(self, label: str, engine: str, opcode: Opcode, n: int, m: int, overlap: bool | None,
             reads: list[Tensor], writes: list[Tensor], macs: int = 0, estimate: float = 0.0,
             **fields) -> Command:
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
                          draft.reads, draft.writes, macs, estimate)
        self._running[engine] = command
        self.commands.append(command)
        return command


def _flag_bits(flags: dict[int, bool]) -> int:
    return sum(int(flag) for flag, is_set in flags.items() if is_set)


def _descriptor(opcode: Opcode, *, slots: dict[int, Tensor | None], **fields) -> Descriptor:
    vectors = VECTORS.get(opcode, ())
    used = {number: Slot(tensor.addr, 0 if number in vectors else tensor.stride)
            for number, tensor in slots.items() if tensor is not None}
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


def _vector(name: str, vector: Tensor, cols: int) -> None:
    _shape(name, _tensor(name, vector, FP32), (1, cols))


def _windows(windows: Windows) -> None:
    """ValueError unless the descriptor can hold the windows, and the core count them."""
    fields = windows.fields()
    for name, value in fields.items():
        least = 0 if name.endswith("_log2") or name.startswith("pad") else 1
        most = SIZE_MAX if name == "rows" else (1 << FIELDS[name.upper()][2]) - 1
        if not least <= value <= most:
            raise ValueError(f"windows: {name} {value} is not in {least}..{most}")
    for name in ("pixels", "count"):
        if getattr(windows, name) > SIZE_MAX:
            raise ValueError(f"windows: {name} {getattr(windows, name)} is above {SIZE_MAX}")


def _fed(windows: Windows) -> int:
    """Pairs of window and kernel position that do not see a zero between two pixels."""
    def along(outs: int, kernel: int, pad: int) -> int:
        return sum(not ((out << windows.step_log2) + (k << windows.dilation_log2) - pad
                        & (1 << windows.upsample_log2) - 1)
                   for out in range(outs) for k in range(kernel))

    return (windows.images * along(windows.out_h, windows.kernel_h, windows.pad_top)
            * along(windows.out_w, windows.kernel_w, windows.pad_left))


def _in_place_or_apart(name: str, output: Tensor, other: str, tensor: Tensor) -> None:
    """An output may be an input of the same format, row by row, but not touch it otherwise."""
    same = (output.addr, output.stride, output.format) == (tensor.addr, tensor.stride,
                                                           tensor.format)
    if output.overlaps(tensor) and not same:
        raise ValueError(f"{name}: overlaps {other} without being the same FP16 matrix")


def _no_overlap(name: str, output: Tensor, inputs: dict[str, Tensor | None]) -> None:
    for other, tensor in inputs.items():
        if tensor is not None and output.overlaps(tensor):
            raise ValueError(f"{name}: overlaps {other} ({tensor.name})")


def _planes_apart(planes: list[Tensor], inputs: dict[str, Tensor]) -> None:
    """From what is read, and from each other."""
    for index, plane in enumerate(planes):
        _no_overlap(plane.name, plane, inputs)
        _no_overlap(plane.name, plane, {f"plane {at}": planes[at] for at in range(index)})


def _planes(*copies: Compressed | None) -> list[Tensor]:
    return [plane for copy in copies if copy is not None for plane in copy.planes]


def _dense_copies(*copies: Compressed | None) -> int:
    return sum(copy is not None and copy.indices is None for copy in copies)


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
