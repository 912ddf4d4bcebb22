# SPDX-License-Identifier: Apache-2.0
"""The core as its programmer sees it: a program and a memory image in, a memory image out.

`CommandModel.run` does what the RTL must have done when its program ends. Where the hardware is
free (how far a command got before an error stopped it) the result says what is not determined. The
errors HANG and BUSY are about time, which this model does not have. A program with a hazard
(hazards.py) is run one command after the other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from .arguments import integer
from .checks import Fault, check
from .convolve import conv
from .defs import (
    DESC_BYTES,
    AffineFlag,
    AffineSlot,
    Error,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolFlag,
    PoolSlot,
    PruneFlag,
    PruneSlot,
    StatsSlot,
    UpdateFlag,
    UpdateSlot,
)
from .descriptor import Descriptor
from .feature import affine, max_pool, max_pool_backward, stats
from .formats import FP16, FP32
from .hazards import (
    Command,
    Hazard,
    HazardError,
    HazardWarning,
    command_hazards,
    fetch_hazards,
)
from .memory import Memory
from .multiply import matmul
from .operands import NIBBLE, SINGLE
from .sampling import WORD_MAX, Key
from .tensors import Tensor, tensors_of
from .vector import fp32_to_fp16
from .weights import prune, update

READ_ERRORS = (Error.READ_SLVERR, Error.READ_DECERR, Error.READ_PROTOCOL)
WRITE_ERRORS = (Error.WRITE_SLVERR, Error.WRITE_DECERR)

ADDR_WIDTHS = 32, 40  # least and most
HAZARD_POLICIES = ("warn", "error", "ignore")

ENGINE_OF: dict[int, str] = {
    Opcode.MATMUL: "array",
    Opcode.PRUNE: "vector",
    Opcode.UPDATE: "vector",
    Opcode.AFFINE: "vector",
    Opcode.STATS: "vector",
    Opcode.POOL: "vector",
}


# Of a descriptor and its inputs by slot: the elements written, by slot.
Operation = Callable[[Descriptor, dict[int, np.ndarray]], dict[int, np.ndarray]]


@dataclass
class Result:
    """How a program ended.

    code, index, address  the error registers (Error.NONE, 0, 0 if all went well)
    overflow              the overflow flag; undetermined while `uncertain` is not empty: a command
                          that was stopped may or may not have come to set it
    overflow_latch        what the last FENCE copied from it
    fence_irqs            how many FENCEs raised their interrupt
    completed             commands (FENCEs included) whose whole effect is in memory
    commands              those that were started, in order, FENCEs excluded
    skipped               UPDATEs (indices) that did nothing, as the overflow latch was set
    uncertain             commands (indices) that an error may have stopped half way: their outputs
                          are undetermined, every other byte of memory is exact
    hazards               where the program is wrong, so that the RTL need not agree
    """

    code: Error = Error.NONE
    index: int = 0
    address: int = 0
    overflow: bool = False
    overflow_latch: bool = False
    fence_irqs: int = 0
    completed: int = 0
    commands: list[Command] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    uncertain: set[int] = field(default_factory=set)
    hazards: list[Hazard] = field(default_factory=list)

    def output_ranges(self) -> list[tuple[int, int]]:
        """All byte ranges [start, end) that the program may have written."""
        return [span for command in self.commands for span in command.output_ranges()]


class CommandModel:
    """A core with `addr_w` address bits attached to `memory`.

    hazards  what happens when a program has one: "warn" gives a HazardWarning, "error" raises
             HazardError before the later command has any effect, "ignore" only leaves it in the
             result
    """

    def __init__(self, memory: Memory, addr_w: int = 40, hazards: str = "warn"):
        integer("addr_w", addr_w, *ADDR_WIDTHS)
        if hazards not in HAZARD_POLICIES:
            raise ValueError(f"hazards: {hazards!r} is not one of {', '.join(HAZARD_POLICIES)}")
        self.memory = memory
        self.addr_w = addr_w
        self.hazards = hazards

    def run(self, prog_addr: int, prog_len: int, seed: int = 0, step: int = 0) -> Result:
        """Run a program of `prog_len` descriptors at `prog_addr`; changes the memory. All are what
        the registers hold: 64 bits, and 32 each."""
        integer("prog_addr", prog_addr, 0, (1 << 64) - 1)
        integer("prog_len", prog_len, 0, WORD_MAX)
        self.key = Key(integer("seed", seed, 0, WORD_MAX), integer("step", step, 0, WORD_MAX))
        result = Result()
        program_end = prog_addr + prog_len * DESC_BYTES
        if prog_addr % DESC_BYTES or prog_len == 0 or program_end > 1 << self.addr_w:
            result.code, result.address = Error.PROGRAM, prog_addr
            return result

        # The last command given to each engine, while nothing has waited for it. Descriptor i is
        # fetched when command i-1 has started, and so beside these.
        running: dict[str, Command] = {}
        for index in range(prog_len):
            address = prog_addr + index * DESC_BYTES
            self._note(result, fetch_hazards(index, address, running.values()))
            try:
                data = self._fetch(address)
                check(data, address, self.addr_w)
            except Fault as fault:
                # A bad descriptor takes effect when all earlier commands are complete.
                self._stop(result, fault, index, running={})
                return result
            desc = Descriptor.unpack(data)
            if desc.opcode == Opcode.FENCE:
                running.clear()
                result.overflow_latch = result.overflow
                result.fence_irqs += bool(desc.flags & FenceFlag.IRQ)
                result.completed += 1
                continue

            command = start_command(index, desc, running)
            result.commands.append(command)
            self._note(result, command_hazards(command, running.values()))
            running[ENGINE_OF[desc.opcode]] = command
            try:
                self._execute(command, result)
            except Fault as fault:
                self._stop(result, fault, index, running)
                self._note_followers(result, command, prog_addr, prog_len, running)
                return result
            result.completed += 1
        return result

    def accepts(self, expected: Result, code: int, index: int, address: int) -> bool:
        """Whether the error registers agree with `expected`.

        They must be equal, except that a bus error may be met first at another place of the failing
        command's tensors, according to tiling and timing.
        """
        if index != expected.index:
            return False
        failing = [command for command in expected.commands if command.index == index]
        if code in READ_ERRORS and failing:
            return any(self.memory.faults_read(tensor, address, Error(code))
                       for tensor in failing[0].tensors if tensor.read)
        if code in WRITE_ERRORS and failing:
            return any(self.memory.faults_write(tensor, address, Error(code))
                       for tensor in failing[0].outputs)
        return (code, address) == (expected.code, expected.address)

    def _fetch(self, address: int) -> bytes:
        row = Tensor(0, address, DESC_BYTES, 1, DESC_BYTES // 4, SINGLE)
        return self.memory.read(row).tobytes()

    def _stop(self, result: Result, fault: Fault, index: int, running: dict[str, Command]) -> None:
        """Record an error; it stops whatever may have been running."""
        result.code, result.address, result.index = fault.code, fault.address, index
        result.uncertain = {command.index for command in running.values()}

    def _note_followers(self, result: Result, failed: Command, prog_addr: int, prog_len: int,
                        running: dict[str, Command]) -> None:
        """Later commands of the other engine may have started before the failing one failed."""
        engine = ENGINE_OF[failed.desc.opcode]
        for index in range(failed.index + 1, prog_len):
            address = prog_addr + index * DESC_BYTES
            self._note(result, fetch_hazards(index, address, running.values()))
            try:
                data = self._fetch(address)
                check(data, address, self.addr_w)
            except Fault:
                return
            desc = Descriptor.unpack(data)
            if not desc.overlap or ENGINE_OF[desc.opcode] == engine:
                return
            command = start_command(index, desc, running)
            result.commands.append(command)
            result.uncertain.add(index)
            self._note(result, command_hazards(command, running.values()))
            running[ENGINE_OF[desc.opcode]] = command

    def _note(self, result: Result, hazards: Iterable[Hazard]) -> None:
        for hazard in hazards:
            result.hazards.append(hazard)
            if self.hazards == "error":
                raise HazardError(hazard)
            if self.hazards == "warn":
                warnings.warn(str(hazard), HazardWarning, stacklevel=3)

    def _execute(self, command: Command, result: Result) -> None:
        desc = command.desc
        if desc.opcode == Opcode.UPDATE and desc.flags & UpdateFlag.SKIP_ON_OVERFLOW:
            if result.overflow_latch:
                result.skipped.add(command.index)
                return
        operation = OPERATIONS[desc.opcode]
        if desc.opcode == Opcode.PRUNE and desc.flags & PruneFlag.SAMPLE:
            operation = partial(run_prune, key=self.key._replace(layer=desc.layer))
        # An error on the way in or out comes before the work: what cannot be accessed may be larger
        # than this machine's memory.
        for tensor in command.tensors:
            if tensor.read:
                self.memory.check_access(tensor, write=False)
        for tensor in command.outputs:
            self.memory.check_access(tensor, write=True)
        # All inputs are read before anything is written: an output may be one of the inputs.
        inputs = {t.slot: self.memory.read(t) for t in command.tensors if t.read}
        outputs = operation(desc, inputs)
        for tensor in command.outputs:
            elements = outputs[tensor.slot]
            self.memory.write(tensor, elements)
            result.overflow |= tensor.bits != NIBBLE and has_overflow(elements)


def start_command(index: int, desc: Descriptor, running: dict[str, Command]) -> Command:
    """The command, having waited for those it must: with `overlap` only its own engine's."""
    if not desc.overlap:
        running.clear()
    running.pop(ENGINE_OF[desc.opcode], None)
    beside = {command.index for command in running.values()}
    return Command(index, desc, tensors_of(desc), beside)


def has_overflow(bits: np.ndarray) -> bool:
    """Whether any FP16 (uint16) or FP32 (uint32) pattern is NaN or infinity."""
    special = FP16.inf if bits.dtype == np.uint16 else FP32.inf
    return bool(np.any(bits & special == special))


def run_matmul(desc: Descriptor, inputs: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """slot -> elements written."""
    flags = desc.flags
    a = inputs[MatmulSlot.A]
    multiply = partial(matmul, a)
    if flags & MatmulFlag.CONV:
        multiply = partial(conv, a, desc.windows, whole=bool(flags & MatmulFlag.SUMS))
    product = multiply(
        inputs[MatmulSlot.S_VALUES],
        inputs.get(MatmulSlot.S_INDICES),
        desc.n,
        desc.m,
        a_trans=bool(flags & MatmulFlag.A_TRANS),
        bias=inputs.get(MatmulSlot.BIAS),
        residual=inputs.get(MatmulSlot.RESIDUAL),
        relu=bool(flags & MatmulFlag.RELU),
        mask=inputs.get(MatmulSlot.MASK),
        out_fp32=bool(flags & MatmulFlag.OUT_FP32),
    )
    written: dict[int, np.ndarray] = {MatmulSlot.C: product}
    if flags & MatmulFlag.SUMS:
        rounded = fp32_to_fp16(product) if flags & MatmulFlag.OUT_FP32 else product
        written[MatmulSlot.SUMS] = np.concatenate(stats(rounded))
    return written


def run_prune(desc: Descriptor, inputs: dict[int, np.ndarray],
              key: Key | None = None) -> dict[int, np.ndarray]:
    """slot -> elements written."""
    return copies(desc, inputs[PruneSlot.W], key)


def run_update(desc: Descriptor, inputs: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """slot -> elements written."""
    weights, velocity = update(
        inputs[UpdateSlot.W],
        inputs[UpdateSlot.V],
        inputs[UpdateSlot.DW],
        inv_scale=desc.inv_scale,
        momentum=desc.momentum,
        lr=desc.lr,
        decay=desc.decay if desc.flags & UpdateFlag.DECAY else None,
    )
    return {UpdateSlot.W: weights, UpdateSlot.V: velocity, **copies(desc, weights)}


def copies(desc: Descriptor, weights: np.ndarray,
           key: Key | None = None) -> dict[int, np.ndarray]:
    """slot -> plane, for the copies that PRUNE and UPDATE write (same flags and slots)."""
    made = prune(weights, desc.n, desc.m, ff=bool(desc.flags & PruneFlag.FF),
                 bp=bool(desc.flags & PruneFlag.BP), key=key)
    slots = {
        (PruneSlot.FF_VALUES, PruneSlot.FF_INDICES): made.ff,
        (PruneSlot.BP_VALUES, PruneSlot.BP_INDICES): made.bp,
    }
    written: dict[int, np.ndarray] = {}
    for (values, indices), planes in slots.items():
        if planes is not None:
            written[values] = planes.values
            if planes.indices is not None:
                written[indices] = planes.indices
    return written


def run_affine(desc: Descriptor, inputs: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """slot -> elements written."""
    out = affine(
        inputs[AffineSlot.X],
        inputs[AffineSlot.ALPHA],
        inputs[AffineSlot.GAMMA],
        y=inputs.get(AffineSlot.Y),
        beta=inputs.get(AffineSlot.BETA),
        relu=bool(desc.flags & AffineFlag.RELU),
    )
    return {AffineSlot.OUT: out}


def run_stats(desc: Descriptor, inputs: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """slot -> elements written."""
    total, dot = stats(inputs[StatsSlot.X], inputs.get(StatsSlot.Y))
    return {StatsSlot.SUM: total, StatsSlot.DOT: dot}


def run_pool(desc: Descriptor, inputs: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """slot -> elements written."""
    x = inputs[PoolSlot.X]
    if desc.flags & PoolFlag.BACKWARD:
        return {PoolSlot.OUT: max_pool_backward(x, inputs[PoolSlot.WINNER], desc.windows)}
    largest, winner = max_pool(x, desc.windows)
    return {PoolSlot.OUT: largest, PoolSlot.WINNER: winner}


OPERATIONS: dict[int, Operation] = {
    Opcode.MATMUL: run_matmul,
    Opcode.PRUNE: run_prune,
    Opcode.UPDATE: run_update,
    Opcode.AFFINE: run_affine,
    Opcode.STATS: run_stats,
    Opcode.POOL: run_pool,
}
