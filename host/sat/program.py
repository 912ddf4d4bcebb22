# SPDX-License-Identifier: Apache-2.0
"""Programs: lists of commands, checked when they are added, scheduled, and packed for the core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sat_golden.arguments import fp32, integer
from sat_golden.compress import check_nm
from sat_golden.defs import (
    MATMUL_ROW_INTERLEAVE_LSB,
    POOL_POSITIONS_MAX,
    SIZE_MAX,
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
from sat_golden.descriptor import Descriptor, field_range
from sat_golden.windows import Windows

from .address_space import AddressSpace
from .config import SatConfig
from .memory import FP16, FP32, Compressed, Stack, Tensor
from .operands import bind, check_tensor
from .plan import (
    ARRAY,
    VECTOR,
    Tiling,
    choose_row_interleave,
    conv_tilings,
    estimate_cycles,
    estimate_feature_cycles,
    estimate_pool_cycles,
    estimate_prune_cycles,
    estimate_update_cycles,
    legal_row_interleaves,
)
from .plan.tiling import LINE_BYTES

Flag = TypeVar("Flag", bound=int)

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
    estimate: float = 0.0  # cycles, about

    def conflict(self, earlier: Command) -> str | None:
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
    backend: AddressSpace | None = field(default=None, repr=False)
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
               mask: Tensor | None = None, sums: Tensor | None = None,
               row_interleave: int | None = None, overlap: bool | None = None,
               label: str = "") -> Command:
        """`out = epilogue(a . s)`, a [I][K] (or [K][I] with `a_trans`), s [K][J] dense or N:M.

        The epilogue adds `bias` [1][J] and `residual`, applies ReLU, and zeroes what is not
        positive in `mask`; `out` is FP16 or FP32, `residual` of its format. Either may be `out`
        itself: with an FP32 residual, `out` goes on adding up. `sums` [2][J] FP32 gets what
        `stats` of `out`, rounded to FP16, would give as total and dot. `row_interleave` overrules
        the planner's.
        """
        n, m = (s.n, s.m) if isinstance(s, Compressed) else DENSE_NM
        depth, cols = s.shape if isinstance(s, Compressed) else shape_of("s", s)
        rows, _ = shape_of("out", out)
        draft = Descriptor(Opcode.MATMUL, n, m, flags=_flag_bits({MatmulFlag.A_TRANS: a_trans}),
                           rows=rows, cols=cols, depth=depth)
        tiling = Tiling(self.config, rows, cols, depth, n, m, a_trans=a_trans)
        return self._multiply(draft, [tiling], tiling.macs, a, s, out, bias, residual, relu, mask,
                              sums, row_interleave, overlap, label or f"MATMUL {out.name}")

    def conv(self, a: Tensor, s: Tensor | Stack | Compressed, out: Tensor, windows: Windows, *,
             a_trans: bool = False, bias: Tensor | None = None, residual: Tensor | None = None,
             relu: bool = False, mask: Tensor | None = None, sums: Tensor | None = None,
             row_interleave: int | None = None, overlap: bool | None = None,
             label: str = "") -> Command:
        """`out = epilogue(A . s)`, A the P*C values that each of G windows sees on a [pixels][C].

        s is [P*C][J] dense, or a Stack of P matrices [C][J]; out [G][J]. With `a_trans` A is
        transposed: s [G][J] dense or N:M, out [P*C][J]. The rest is as in `matmul`. Zeros that
        `upsample` inserts do not count as multiplies, nor are they multiplied but with `a_trans` or
        `sums`; padding counts.
        """
        _windows(windows)
        channels, count, positions = shape_of("a", a)[1], windows.count, windows.positions
        cols = shape_of("out", out)[1]
        kind = Compressed if a_trans else Stack
        n, m = (s.n, s.m) if isinstance(s, kind) else DENSE_NM
        if positions * channels > SIZE_MAX:
            raise ValueError(f"windows: {positions} positions of {channels} channels are more than "
                             f"{SIZE_MAX}")
        if isinstance(s, Stack) and (s.count, *s.shape) != (positions, channels, cols):
            raise ValueError(f"s: {s.name} has {s.count} matrices {s.shape}, but must have "
                             f"{positions} of {(channels, cols)}")
        if isinstance(s, Compressed) and s.shape != (count, cols):
            raise ValueError(f"s: {s.name} has shape {s.shape}, but must be {(count, cols)}")
        lines = windows.pixels * -(-a.row_bytes // LINE_BYTES)
        shape = self.config, windows, channels, cols, n, m
        flags = {MatmulFlag.A_TRANS: a_trans, MatmulFlag.CONV: True}
        draft = Descriptor(Opcode.MATMUL, n, m, flags=_flag_bits(flags), cols=cols, depth=channels,
                           **windows.fields())
        fed = sum(phase.windows.positions * phase.windows.count for phase in windows.phases())
        macs = Tiling.conv(*shape, a_trans=a_trans).macs * fed // (positions * count)
        tilings = conv_tilings(*shape, a_trans=a_trans, lines=lines, sums=sums is not None)
        return self._multiply(draft, tilings, macs, a, s if isinstance(s, kind) else shaped("s", s),
                              out, bias, residual, relu, mask, sums, row_interleave, overlap,
                              label or f"CONV {out.name}")

    def _multiply(self, draft: Descriptor, tilings: list[Tiling], macs: int, a: Tensor,
                  s: Tensor | Compressed | Stack, out: Tensor, bias: Tensor | None,
                  residual: Tensor | None, relu: bool, mask: Tensor | None,
                  sums: Tensor | None, row_interleave: int | None, overlap: bool | None,
                  label: str) -> Command:
        """What `matmul` and `conv` share."""
        legal = legal_row_interleaves(self.config, draft.n, draft.m)
        if row_interleave is None:
            row_interleave = choose_row_interleave(*tilings)
        elif row_interleave not in legal:
            raise ValueError(f"row_interleave: {row_interleave} is not one of {legal} for "
                             f"{draft.n}:{draft.m} and T = {self.config.t}")
        flags = {MatmulFlag.OUT_FP32: out.format is FP32,
                 MatmulFlag.BIAS: bias is not None, MatmulFlag.RESIDUAL: residual is not None,
                 MatmulFlag.RELU: relu, MatmulFlag.MASK: mask is not None,
                 MatmulFlag.SUMS: sums is not None}
        values, indices = (s, None) if isinstance(s, Tensor) else (s.values, s.indices)
        return self._add(
            label, ARRAY, overlap,
            replace(draft, flags=draft.flags | _flag_bits(flags)
                    | row_interleave << MATMUL_ROW_INTERLEAVE_LSB),
            {MatmulSlot.A: ("a", a), MatmulSlot.S_VALUES: ("s", values),
             MatmulSlot.S_INDICES: ("s's indices", indices), MatmulSlot.C: ("out", out),
             MatmulSlot.BIAS: ("bias", bias), MatmulSlot.RESIDUAL: ("residual", residual),
             MatmulSlot.MASK: ("mask", mask), MatmulSlot.SUMS: ("sums", sums)},
            macs, sum(estimate_cycles(replace(tiling, row_interleave=row_interleave))
                      for tiling in tilings))

    def prune(self, w: Tensor, *, ff: Compressed | None = None, bp: Compressed | None = None,
              layer: int | None = None, overlap: bool | None = None, label: str = "") -> Command:
        """Round w [K][J] to FP16 and write its N:M copies: `ff` [K][J] and `bp` [J][K]. With a
        `layer` (32 bits: a number of this tensor's own) `ff` is that of an unbiased sample, which
        the backend's seed and step choose."""
        rows, cols = shape_of("w", w)
        if ff is None and bp is None:
            raise ValueError("ff, bp: at least one copy must be asked for")
        n, m = _copies_nm(w, ff, bp)
        flags = {PruneFlag.FF: ff is not None, PruneFlag.BP: bp is not None,
                 PruneFlag.SRC_FP16: w.format is FP16, PruneFlag.SAMPLE: layer is not None}
        number = integer("layer", layer or 0, 0, (1 << 32) - 1)
        return self._add(label or f"PRUNE {w.name}", VECTOR, overlap,
                         Descriptor(Opcode.PRUNE, n, m, flags=_flag_bits(flags), rows=rows,
                                    cols=cols, layer=number),
                         {PruneSlot.W: ("w", w), **_copy_slots(ff, bp)},
                         estimate=estimate_prune_cycles(self.config, rows, cols, n, m,
                                                        _count(ff, bp)))

    def update(self, w: Tensor, v: Tensor, dw: Tensor, *, lr: float, momentum: float = 0.0,
               inv_scale: float = 1.0, decay: float | None = None, ff: Compressed | None = None,
               bp: Compressed | None = None, skip_on_overflow: bool = False,
               overlap: bool | None = None, label: str = "") -> Command:
        """One step of momentum SGD on w [K][J] with velocity v and gradient dw, then as `prune`."""
        rows, cols = shape_of("w", w)
        scalars = {name: fp32(value, name) for name, value in (
            ("lr", lr), ("momentum", momentum), ("inv_scale", inv_scale),
            ("decay", 0.0 if decay is None else decay))}
        n, m = _copies_nm(w, ff, bp)
        flags = {UpdateFlag.FF: ff is not None, UpdateFlag.BP: bp is not None,
                 UpdateFlag.DECAY: decay is not None,
                 UpdateFlag.SKIP_ON_OVERFLOW: skip_on_overflow}
        return self._add(label or f"UPDATE {w.name}", VECTOR, overlap,
                         Descriptor(Opcode.UPDATE, n, m, flags=_flag_bits(flags), rows=rows,
                                    cols=cols, lr=scalars["lr"], momentum=scalars["momentum"],
                                    inv_scale=scalars["inv_scale"], decay=scalars["decay"]),
                         {UpdateSlot.W: ("w", w), UpdateSlot.V: ("v", v),
                          UpdateSlot.DW: ("dw", dw), **_copy_slots(ff, bp)},
                         estimate=estimate_update_cycles(self.config, rows, cols, n, m,
                                                         _count(ff, bp)))

    def affine(self, x: Tensor, out: Tensor, alpha: Tensor, gamma: Tensor, *,
               y: Tensor | None = None, beta: Tensor | None = None, relu: bool = False,
               overlap: bool | None = None, label: str = "") -> Command:
        """`out = alpha*x + gamma`, or with y `alpha*x + (beta*y + gamma)`, then ReLU.

        x, y, out are FP16 [R][C]; alpha, beta, gamma FP32 [1][C]. out may be x or y.
        """
        rows, cols = shape_of("x", x)
        if (y is None) != (beta is None):
            raise ValueError("beta: is given with y, and only with y")
        flags = {AffineFlag.SECOND: y is not None, AffineFlag.RELU: relu}
        return self._add(label or f"AFFINE {shaped('out', out).name}", VECTOR, overlap,
                         Descriptor(Opcode.AFFINE, flags=_flag_bits(flags), rows=rows, cols=cols),
                         {AffineSlot.X: ("x", x), AffineSlot.Y: ("y", y),
                          AffineSlot.OUT: ("out", out), AffineSlot.ALPHA: ("alpha", alpha),
                          AffineSlot.BETA: ("beta", beta), AffineSlot.GAMMA: ("gamma", gamma)},
                         estimate=estimate_feature_cycles(self.config, rows, cols, 2 if y else 1))

    def stats(self, x: Tensor, total: Tensor, dot: Tensor, *, y: Tensor | None = None,
              overlap: bool | None = None, label: str = "") -> Command:
        """Sums over the rows of x [R][C]: `total` of x and `dot` of x*y, FP32 [1][C]; y may be
        left out, and is x then."""
        rows, cols = shape_of("x", x)
        flags = {StatsFlag.SECOND: y is not None}
        return self._add(label or f"STATS {x.name}", VECTOR, overlap,
                         Descriptor(Opcode.STATS, flags=_flag_bits(flags), rows=rows, cols=cols),
                         {StatsSlot.X: ("x", x), StatsSlot.Y: ("y", y),
                          StatsSlot.SUM: ("total", total), StatsSlot.DOT: ("dot", dot)},
                         estimate=estimate_feature_cycles(self.config, rows, cols, 2))

    def max_pool(self, x: Tensor, out: Tensor, winner: Tensor, windows: Windows, *,
                 overlap: bool | None = None, label: str = "") -> Command:
        """The largest value of x [pixels][C] that each window sees, and its position: out FP16 and
        winner INDEX, both [G][C]."""
        return self._pool(windows, {PoolSlot.X: ("x", x), PoolSlot.OUT: ("out", out),
                                    PoolSlot.WINNER: ("winner", winner)}, False, overlap, label)

    def max_pool_backward(self, d_out: Tensor, winner: Tensor, d_x: Tensor, windows: Windows, *,
                          overlap: bool | None = None, label: str = "") -> Command:
        """Gradient d_out of what `max_pool` gave -> d_x, that of its x. `windows` are the
        `transposed()` of the forward ones: d_out [pixels][C] of theirs, d_x [G][C]."""
        return self._pool(windows, {PoolSlot.X: ("d_out", d_out), PoolSlot.OUT: ("d_x", d_x),
                                    PoolSlot.WINNER: ("winner", winner)}, True, overlap, label)

    def _pool(self, windows: Windows, arguments: dict[int, tuple[str, Tensor]], backward: bool,
              overlap: bool | None, label: str) -> Command:
        _windows(windows)
        if windows.positions > POOL_POSITIONS_MAX:
            raise ValueError(f"windows: {windows.positions} positions, but POOL takes "
                             f"{POOL_POSITIONS_MAX}")
        cols = shape_of(*arguments[PoolSlot.X])[1]
        flags = {PoolFlag.BACKWARD: backward}
        return self._add(label or f"POOL {shaped(*arguments[PoolSlot.OUT]).name}", VECTOR, overlap,
                         Descriptor(Opcode.POOL, flags=_flag_bits(flags), cols=cols,
                                    **windows.fields()), arguments,
                         estimate=estimate_pool_cycles(self.config, windows, cols, backward))

    def fence(self, *, irq: bool = False, label: str = "") -> Command:
        """Wait for all earlier commands, then latch the overflow flag for `skip_on_overflow`."""
        return self.append(Command(label or "FENCE", None,
                                   Descriptor(Opcode.FENCE,
                                              flags=_flag_bits({FenceFlag.IRQ: irq}))))

    def _add(self, label: str, engine: str, overlap: bool | None, draft: Descriptor,
             arguments: Mapping[int, tuple[str, object]], macs: int = 0,
             estimate: float = 0.0) -> Command:
        bound = bind(draft, arguments, self.backend)
        return self.append(Command(label, engine, bound.descriptor, bound.reads, bound.writes, macs,
                                   estimate), overlap)

    def append(self, command: Command, overlap: bool | None = None) -> Command:
        """A command of another program, or of another place in this one."""
        if command.engine is None:
            self._running.clear()
            self.commands.append(command)
            return command
        engine, label = command.engine, command.label
        beside = self._running.get(VECTOR if engine is ARRAY else ARRAY)
        conflict = beside and command.conflict(beside)
        if overlap and beside and conflict:
            raise ValueError(f"overlap: {label} cannot run beside {beside.label} ({conflict})")
        if overlap is None:
            overlap = conflict is None
        if not overlap:
            self._running.clear()
        command = replace(command, descriptor=replace(command.descriptor, overlap=overlap))
        self._running[engine] = command
        self.commands.append(command)
        return command


def shaped(name: str, value: object) -> Tensor:
    """The tensor; TypeError or ValueError if it is none that the core can address."""
    return check_tensor(name, value)[1]


def shape_of(name: str, value: object) -> tuple[int, int]:
    return shaped(name, value).shape


def _flag_bits(flags: Mapping[Flag, bool]) -> int:
    return sum(int(flag) for flag, is_set in flags.items() if is_set)


def _windows(windows: Windows) -> None:
    """ValueError unless the descriptor can hold the windows, and the core count them."""
    fields = windows.fields()
    for name, value in fields.items():
        least, most = field_range(name.upper())
        if not (name.endswith("_log2") or name.startswith("pad")):
            least = 1
        if not least <= value <= most:
            raise ValueError(f"windows: {name} {value} is not in {least}..{most}")
    for name in ("pixels", "count"):
        if getattr(windows, name) > SIZE_MAX:
            raise ValueError(f"windows: {name} {getattr(windows, name)} is above {SIZE_MAX}")


def _count(*copies: Compressed | None) -> int:
    return sum(copy is not None for copy in copies)


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


def _copy_slots(ff: Compressed | None,
                bp: Compressed | None) -> dict[int, tuple[str, Tensor | None]]:
    """Slots of the copies; PRUNE and UPDATE number them alike."""
    slots: dict[int, tuple[str, Tensor | None]] = {}
    for name, copy, values, indices in (
            ("ff", ff, PruneSlot.FF_VALUES, PruneSlot.FF_INDICES),
            ("bp", bp, PruneSlot.BP_VALUES, PruneSlot.BP_INDICES)):
        if copy is not None:
            slots |= {values: (name, copy.values), indices: (f"{name}'s indices", copy.indices)}
    return slots
