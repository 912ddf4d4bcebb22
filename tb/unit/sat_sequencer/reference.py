# SPDX-License-Identifier: Apache-2.0
"""What the sequencer does in each cycle, from docs/reference/commands.md ("Errors") and its header.

Cycles are its own where the documents leave them open: a phase ends in the cycle in which its end
is seen, and a descriptor counts as read, or checked, one cycle after its last beat, or `check`
cycles after that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sat_golden.defs import DESC_BYTES, Error

SPACE = 1 << 40
FETCH_BEATS = 8
FETCH_PORT, VECTOR_PORT = 7, 6
LOAD_PORTS = range(3)  # of the MATMUL that came last; the other ports of the array are the older's
RUNNING = ("fetch", "check", "issue", "ahead", "end", "bad")
READ_CODES = {0: Error.READ_PROTOCOL, 1: Error.READ_PROTOCOL, 2: Error.READ_SLVERR,
              3: Error.READ_DECERR}
WRITE_CODES = {2: Error.WRITE_SLVERR, 3: Error.WRITE_DECERR}


@dataclass(frozen=True)
class Command:
    """A descriptor as the sequencer sees it. `engine`: "matmul", "vector" or "" (FENCE); `check`:
    cycles of its check; `bad`: its error, and the address of the tensor at fault or None."""

    engine: str
    data: bytes
    check: int
    overlap: bool = False
    irq: bool = False
    bad: tuple[int, int | None] | None = None


@dataclass
class Inputs:
    """Of one cycle. Errors are (response, address, port) or None."""

    start: bool = False
    clear: bool = False
    address: int = 0
    program: tuple[Command, ...] = ()
    length: int | None = None   # PROG_LEN, if not the program's
    limit: int = 0
    busy: dict[str, bool] = field(default_factory=lambda: {"matmul": False, "vector": False})
    loads: bool = True          # a MATMUL may start beside the one inside
    pair: bool = False          # two MATMULs are inside
    overflow: bool = False
    engine_progress: bool = False
    bus_progress: bool = False
    read_error: tuple[int, int, int] | None = None
    write_error: tuple[int, int, int] | None = None
    drained: bool = True
    ready: bool = False         # for a descriptor's request
    beat: bool = False


class Reference:
    """`outputs` of a cycle, then `advance` to the next one."""

    def __init__(self) -> None:
        self.phase = "idle"
        self.program: tuple[Command, ...] = ()
        self.length = 0
        self.base = 0            # address of the program
        self.index = 0           # of the descriptor in hand
        self.skipped = 0         # indices that were skipped before the first descriptor
        self.issued = 0
        self.last = {"matmul": 0, "vector": 0}  # each engine's command, the younger of a pair
        self.older = 0                          # of a pair
        self.late: tuple[int, int, int] | None = None  # the younger's error, while there is a pair
        self.overflow = self.latch = False
        self.waiting: tuple[int, int, int] | None = None  # the error to report
        self.found: tuple[int, int, int] | None = None    # that of the descriptor in hand
        self.refused = False     # a BUSY was reported since the last clear
        self.cleared = False     # no error state after the flush
        self.waited = 0          # cycles without progress
        self.asks = False        # for a descriptor
        self.beats = 0           # of it that have come
        self.read = False        # the last one came a cycle ago
        self.fault: tuple[int, int] | None = None  # its first read error: response, address
        self.check_left: int | None = None         # cycles to the end of its check

    def skip(self, count: int) -> None:
        """As if `count` commands had gone before the one in hand, with no address of their own."""
        self.index = self.skipped = count

    # What can be said of the current cycle

    @property
    def command(self) -> Command | None:
        """That of the descriptor in hand; none behind the last one."""
        at = self.index - self.skipped
        return self.program[at] if at < len(self.program) else None

    @property
    def running(self) -> bool:
        return self.phase in RUNNING

    @property
    def draining(self) -> bool:
        return self.phase in ("drain", "flush")

    def settled(self, i: Inputs) -> bool:
        return self.phase in ("end", "bad") and not any(i.busy.values())

    def hang(self, i: Inputs) -> bool:
        pending = self.running and not self.settled(i) or self.draining
        return bool(i.limit) and pending and self.waited >= i.limit

    def stops(self, i: Inputs) -> bool:
        """A clear that does more than to forget a refused start."""
        only_refusal = self.refused and (self.running or self.waiting is not None)
        return i.clear and not only_refusal

    def error(self, i: Inputs) -> tuple[int, int, int] | None:
        """The error that stops the program in this cycle."""
        if not self.running:
            return None
        oldest = self.last | {"matmul": self.older if i.pair else self.last["matmul"]}
        if (i.read_error and i.read_error[2] != FETCH_PORT
                and not (i.read_error[2] in LOAD_PORTS and (i.pair or self.late))):
            resp, address, port = i.read_error
            engine = "vector" if port == VECTOR_PORT else "matmul"
            return READ_CODES[resp], oldest[engine], address
        if i.write_error:
            resp, address, port = i.write_error
            return WRITE_CODES[resp], oldest["vector" if port else "matmul"], address
        if self.late and not i.pair:
            return self.late
        if self.hang(i):
            busy = [oldest[engine] for engine in i.busy if i.busy[engine]]
            index = min(busy, default=self.index)
            return Error.HANG, index, self.base + DESC_BYTES * index
        if self.phase == "bad" and self.settled(i):
            return self.found
        return None

    def issues(self, i: Inputs) -> bool:
        if self.phase != "issue":
            return False
        command = self.command
        if command.engine == "matmul":
            free = not i.busy["matmul"] or i.loads and not i.pair
            return free and (command.overlap or not i.busy["vector"])
        return not i.busy["vector"] and (command.overlap or not i.busy["matmul"])

    def report(self, i: Inputs) -> bool:
        return (self.phase == "drain" and self.waiting is not None
                and (i.drained or self.hang(i)) and not self.stops(i))

    def refuses(self, i: Inputs) -> bool:
        return i.start and self.phase != "idle" and self.waiting is None

    @staticmethod
    def no_program(i: Inputs) -> bool:
        length = len(i.program) if i.length is None else i.length
        return (i.address % DESC_BYTES != 0 or length == 0
                or i.address + DESC_BYTES * length > SPACE)

    def outputs(self, i: Inputs) -> dict[str, object]:
        issues = self.issues(i)
        command = self.command
        engine = command.engine if issues else None
        error = None
        if self.report(i):
            error = self.waiting
        elif self.refuses(i):
            error = (Error.BUSY, self.issued, i.address)
        return {
            "busy": self.running,
            "draining": self.draining,
            "halt": self.draining,
            "flush": self.phase == "flush",
            "overflow": self.overflow,
            "overflow_latch": self.latch,
            "matmul_start": engine == "matmul",
            "vector_start": engine == "vector",
            "desc": command.data if engine else None,
            "fence_set": issues and command.irq,
            "done_set": (self.phase == "end" and self.settled(i) and not self.error(i)
                         and not self.stops(i)),
            "error": error,
            "ask": (self.base + DESC_BYTES * (self.index - self.skipped) if self.asks
                    else None),
        }

    def advance(self, i: Inputs) -> None:
        error, stops, hang = self.error(i), self.stops(i), self.hang(i)
        report, refuses, issues = self.report(i), self.refuses(i), self.issues(i)
        flush = self.phase == "flush"
        pending = self.running and not self.settled(i) or self.draining
        progress = i.bus_progress or self.running and i.engine_progress

        overflow = self.overflow
        self.overflow |= i.overflow
        asks = self.asks and not i.ready
        late = i.read_error if i.pair and i.read_error and i.read_error[2] in LOAD_PORTS else None
        if late and not self.late:
            self.late = READ_CODES[late[0]], self.last["matmul"], late[1]
        phase = self._next_phase(i)
        self._receive(i)

        if issues:
            command = self.command
            if command.engine:
                if command.engine == "matmul":
                    self.older = self.last["matmul"]
                self.last[command.engine] = self.index
            else:
                self.latch = overflow
            self.issued = self.index
            self.index += 1
        if phase == "fetch" != self.phase:
            asks, self.fault = True, None
        if self.running and (error or stops):
            phase, self.late = "drain", None
            self.waiting = None if stops else error
            self.cleared = stops
        else:
            self.cleared |= self.draining and stops
            if report or stops:
                self.waiting = None
        if self.phase == "idle" and i.start:
            self._begin(i)
            phase, asks = ("drain", False) if self.waiting else ("fetch", True)
        self.refused = not i.clear and (self.refused or refuses)
        self.waited = 0 if not pending or progress else self.waited + (not hang)
        if flush:
            asks, self.read, self.beats, self.check_left, self.fault = False, False, 0, None, None
        self.phase, self.asks = phase, asks

    def _begin(self, i: Inputs) -> None:
        self.program, self.base = i.program, i.address
        self.length = len(i.program) if i.length is None else i.length
        self.index = self.skipped = self.issued = 0
        self.overflow = self.latch = self.cleared = False
        self.fault = self.late = None
        self.waiting = (Error.PROGRAM, 0, i.address) if self.no_program(i) else None

    def _receive(self, i: Inputs) -> None:
        """The descriptor's way in."""
        if i.read_error and i.read_error[2] == FETCH_PORT and self.fault is None:
            self.fault = i.read_error[:2]
        self.read = i.beat and self.beats == FETCH_BEATS - 1
        self.beats = (self.beats + i.beat) % FETCH_BEATS

    def _next_phase(self, i: Inputs) -> str:
        """But for what stops the program."""
        phase, left = self.phase, self.check_left
        self.check_left = left - 1 if left else None
        if phase == "fetch" and self.read:
            if self.fault:
                resp, address = self.fault
                self.found = READ_CODES[resp], self.index, address
                return "bad"
            self.check_left = self.command.check - 1
            return "check"
        if phase == "check" and left == 0:
            bad = self.command.bad
            if not bad:
                return "issue"
            code, address = bad
            own = self.base + DESC_BYTES * self.index
            self.found = code, self.index, own if address is None else address
            return "bad"
        if phase == "issue" and self.issues(i):
            if self.index + 1 == self.length:
                return "end"
            ahead = self.command.engine == "matmul" and i.busy["matmul"]
            return "ahead" if ahead else "fetch"
        if phase == "ahead" and not i.pair:
            return "fetch"
        if phase == "end" and self.settled(i):
            return "idle"
        if phase == "drain" and i.drained:
            return "flush"
        if phase == "flush":
            return "idle" if self.cleared or i.clear else "error"
        if phase == "error" and i.clear:
            return "idle"
        return phase
