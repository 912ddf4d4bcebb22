# SPDX-License-Identifier: Apache-2.0
"""The sequencer in lockstep with its reference, and the situations in which events can meet it."""

from dataclasses import replace
from functools import partial

from cocotb.triggers import FallingEdge, ReadOnly

from sat_golden.checks import Fault, check, check_tensor
from sat_golden.defs import DESC_BYTES, Error, FenceFlag, MatmulSlot, Opcode
from sat_golden.descriptor import Descriptor, Slot
from sat_golden.tensors import tensors_of
from tb.common.axi_memory import DECERR, SLVERR, number
from tb.common.require import require
from tb.unit.sat_sequencer.programs import ENGINES, fence, matmul, prune
from tb.unit.sat_sequencer.reference import (
    FETCH_PORT,
    LOAD_PORTS,
    RUNNING,
    Command,
    Inputs,
    Reference,
)

BEAT_BYTES = 16
LIMIT = 20_000
MATMUL_ERROR_PORTS, VECTOR_ERROR_PORT = range(6), 6
BAD_TENSOR = replace(matmul(), slots={**matmul().slots, MatmulSlot.C: Slot(0x4020, 64)})
BAD_OPCODE = replace(matmul(), opcode=9)
ADDR_W = 40
SLOTS = 8
TENSOR_ERRORS = (Error.ALIGN, Error.STRIDE, Error.RANGE)


def fault_of(check_it, *arguments):
    """The error that a check finds, and its address; None if there is none."""
    try:
        check_it(*arguments, ADDR_W)
    except Fault as fault:
        return fault.code, fault.address
    return None


def check_cycles(desc, code):
    """Of sat_cmd_check: its head's, those of windows' sizes, and five for a slot in use but one for
    another, up to the first bad one."""
    head, windows = 2, (6 if desc.opcode == Opcode.POOL else 8) * desc.has_windows
    if desc.opcode == Opcode.FENCE or code is not None and code not in TENSOR_ERRORS:
        require(code != Error.SIZE or not windows, "the size that is wrong decides")
        return head
    tensors = tensors_of(desc)
    bad = [tensor.slot for tensor in tensors if fault_of(check_tensor, tensor)]
    last = min(bad, default=SLOTS - 1)
    return head + windows + last + 1 + 4 * sum(tensor.slot <= last for tensor in tensors)


def command(data):
    """The descriptor in these bytes as the reference takes it."""
    desc = Descriptor.unpack(data)
    code, address = fault_of(check, data, 0) or (None, None)
    own = address if code in TENSOR_ERRORS else None
    return Command(ENGINES.get(desc.opcode, ""), data, check_cycles(desc, code), desc.overlap,
                   desc.opcode == Opcode.FENCE and bool(desc.flags & FenceFlag.IRQ),
                   None if code is None else (code, own))


class Lockstep:
    """The sequencer and its reference; `cycle` plays the events named in it and compares all
    outputs. Engines stay busy, the bus stays open and beats wait until an event or `free` lets
    them go on."""

    def __init__(self, dut, rng):
        self.dut, self.rng = dut, rng
        self.model = Reference()
        self.busy = {"matmul": False, "vector": False}
        self.pair = False     # two MATMULs are inside
        self.loads = False    # and until there are, the second one may start
        self.open = False     # a transfer is outstanding
        self.beats = []       # of a descriptor, on their way
        self.free = False
        self.inputs = {}      # as driven last
        self.late_port = False  # errors of the array's reads are those of what is loaded ahead
        self.address = 0
        self.program = ()
        self.length = None
        self.now = 0
        self.issue_cycles = []

    @property
    def index_register(self):
        """Inside a mutant there is one level more."""
        return getattr(self.dut, "u_mutants", self.dut).index_q

    def wait_as_long(self, cycles):
        """The watchdog's count says that nothing has gone on for as many cycles."""
        getattr(self.dut, "u_mutants", self.dut).u_watchdog.count_q.value = cycles
        self.model.waited = cycles

    def drive(self, **values):
        for name, value in values.items():
            if self.inputs.get(name) != value:
                getattr(self.dut, name).value = self.inputs[name] = value

    def possible(self):
        """Names of the events that may come now."""
        model = self.model
        names = ["start", "clear", "overflow", "progress"]
        for engine, busy in self.busy.items():
            names += [f"read_{engine}", f"write_{engine}", f"{engine}_ends"] * busy
        names += ["loads"] * (self.busy["matmul"] and not self.pair and not self.loads)
        names += ["beat"] * bool((self.beats or model.asks) and not model.draining)
        names += ["read_fetch"] * bool(self.beats and not model.draining)
        names += ["hang"] * ((model.running or model.draining) and model.waited > 0)
        return names + ["quiet"] * self.open

    def make_inputs(self, events):
        rng, model = self.rng, self.model
        i = Inputs(start="start" in events, clear="clear" in events, address=self.address,
                   program=self.program, length=self.length, overflow="overflow" in events)
        # A cycle too few for a hang, or never.
        i.limit = model.waited if "hang" in events else (model.waited + 1) * (model.waited % 2)
        ends = {engine: f"{engine}_ends" in events or self.free for engine in self.busy}
        i.busy = {engine: busy and (not ends[engine] or engine == "matmul" and self.pair)
                  for engine, busy in self.busy.items()}
        i.pair = self.pair and not ends["matmul"]
        i.loads = not i.busy["matmul"] or not i.pair and (self.loads or "loads" in events)
        matmul_ports = LOAD_PORTS if self.late_port else MATMUL_ERROR_PORTS
        for engine, ports in (("matmul", matmul_ports), ("vector", [VECTOR_ERROR_PORT])):
            address = int(rng.integers(1 << 36)) * BEAT_BYTES
            if f"read_{engine}" in events:
                i.read_error = int(rng.choice([0, SLVERR, DECERR])), address, int(rng.choice(ports))
            if f"write_{engine}" in events:
                i.write_error = int(rng.choice([SLVERR, DECERR])), address, int(engine == "vector")
        i.beat = bool(self.beats) and not model.draining and (
            self.free or bool({"beat", "read_fetch"} & set(events)))
        if "read_fetch" in events:
            offset = DESC_BYTES * model.index + BEAT_BYTES * (8 - len(self.beats))
            i.read_error = int(rng.choice([0, SLVERR, DECERR])), model.base + offset, FETCH_PORT
        i.drained = not self.open or "quiet" in events or self.free
        i.ready = self.free or "beat" in events or model.draining
        if "progress" in events:
            i.engine_progress, i.bus_progress = [(True, False), (False, True)][rng.integers(2)]
        return i

    async def cycle(self, *events):
        i = self.make_inputs(events)
        length = len(i.program) if i.length is None else i.length
        self.drive(start_i=int(i.start), clear_i=int(i.clear), prog_addr_i=i.address,
                   prog_len_i=length, watchdog_i=i.limit,
                   matmul_ready_i=int(i.loads), matmul_pair_i=int(i.pair),
                   matmul_busy_i=int(i.busy["matmul"]), vector_busy_i=int(i.busy["vector"]),
                   rd_drained_i=int(i.drained), rd_req_ready_i=int(i.ready),
                   rd_rsp_valid_i=int(i.beat), bus_progress_i=int(i.bus_progress),
                   rd_err_valid_i=int(i.read_error is not None),
                   wr_err_valid_i=int(i.write_error is not None))
        either = bool(self.rng.integers(2))
        self.drive(wr_drained_i=int(i.drained or self.inputs.get("rd_drained_i") == 1 and either),
                   matmul_overflow_i=int(i.overflow and either),
                   vector_overflow_i=int(i.overflow and not either),
                   matmul_progress_i=int(i.engine_progress and either),
                   vector_progress_i=int(i.engine_progress and not either))
        if i.read_error:
            resp, address, port = i.read_error
            self.drive(rd_err_resp_i=resp, rd_err_addr_i=address, rd_err_port_i=port)
        if i.write_error:
            resp, address, port = i.write_error
            self.drive(wr_err_resp_i=resp, wr_err_addr_i=address, wr_err_port_i=port)
        if i.beat:
            self.drive(rd_rsp_data_i=int.from_bytes(self.beats.pop(0), "little"))
        await ReadOnly()
        expected = self.model.outputs(i)
        self.compare(expected, events)
        asked = self.model.command
        if expected["ask"] is not None and i.ready and not self.model.draining and asked:
            data = asked.data
            self.beats = [data[at:at + BEAT_BYTES] for at in range(0, DESC_BYTES, BEAT_BYTES)]
        if expected["matmul_start"]:
            self.pair, self.loads = i.busy["matmul"], False
        else:
            self.pair, self.loads = i.pair, i.loads and not self.free
        self.busy = {engine: busy or expected[f"{engine}_start"] for engine, busy in i.busy.items()}
        self.open = not i.drained
        self.model.advance(i)
        if expected["flush"]:
            self.busy = {"matmul": False, "vector": False}
            self.pair = False
        if self.model.draining or not self.model.running:
            self.beats = []
        self.now += 1
        await FallingEdge(self.dut.clk)

    def compare(self, expected, events):
        dut = self.dut
        seen = {name: bool(getattr(dut, f"{name}_o").value) for name in (
            "busy", "draining", "halt", "flush", "overflow", "overflow_latch", "matmul_start",
            "vector_start", "fence_set", "done_set")}
        engine = seen["matmul_start"] or seen["vector_start"]
        seen["desc"] = number(dut.desc_o).to_bytes(DESC_BYTES, "little") if engine else None
        seen["error"] = ((number(dut.err_code_o), number(dut.err_index_o), number(dut.err_addr_o))
                         if dut.err_valid_o.value else None)
        seen["ask"] = number(dut.rd_req_addr_o) if dut.rd_req_valid_o.value else None
        wrong = {name: (value, expected[name]) for name, value in seen.items()
                 if value != expected[name]}
        if wrong:
            raise AssertionError(f"{self.model.phase}, refused {self.model.refused}, waiting "
                                 f"{self.model.waiting}, {events}: (seen, expected) {wrong}")

    async def until(self, condition):
        self.free = True
        for _ in range(LIMIT):
            if condition():
                self.free = False
                return
            await self.cycle()
        raise AssertionError("the reference does not get there")

    async def rest(self):
        """To idle, with nothing refused."""
        await self.until(lambda: self.model.phase in ("idle", "error"))
        if self.model.phase == "error" or self.model.refused:
            await self.cycle("clear")

    async def begin(self, *descs, refused=False, skip=0):
        """Starts a program; with `skip`, the registers say that as many commands have gone before
        the first."""
        self.program = tuple(command(desc if isinstance(desc, bytes) else desc.pack())
                             for desc in descs)
        self.length = skip + len(descs) if skip else None
        self.address = int(self.rng.integers((1 << 33) - skip - len(descs) + 1)) * DESC_BYTES
        await self.cycle("start")
        if skip:
            self.index_register.value = skip
            self.model.skip(skip)
        if refused:
            await self.cycle("start")

    async def until_waiting(self, index, phase, loads=False):
        """Command `index` is in this phase; engines that are started before stay busy. A MATMUL
        starts beside another one only with `loads`."""
        model = self.model
        while (model.index, model.phase) != (index, phase):
            require(model.phase in RUNNING, "stopped on the way to %s", phase)
            await self.cycle(*["beat"] * (model.phase == "fetch"),
                             *["loads"] * (loads and model.phase == "issue"))


async def in_fetch(bench, *descs, beats=7, refused=False):
    """The last descriptor is on its way, the commands before it run."""
    await bench.begin(*descs, refused=refused)
    await bench.until_waiting(len(descs) - 1, "fetch")
    for _ in range(1 + beats):
        await bench.cycle("beat")


async def until_phase(bench, phase, *descs, refused=False):
    """The last descriptor is in this phase."""
    await bench.begin(*descs, refused=refused)
    await bench.until_waiting(len(descs) - (phase != "end"), "fetch" if phase == "read" else phase)


async def until_read(bench, *descs, fault=False, refused=False):
    """The cycle after the last beat."""
    await in_fetch(bench, *descs, refused=refused)
    await bench.cycle("read_fetch" if fault else "beat")
    require(bench.model.read, "the descriptor has not come")


async def until_pair(bench, *descs, late=False, refused=False):
    """The last command but one loads ahead, or the last one."""
    await bench.begin(*descs, refused=refused)
    if descs[-1].opcode == Opcode.MATMUL:
        await bench.until_waiting(len(descs), "end", loads=True)
    else:
        await bench.until_waiting(len(descs) - 1, "ahead", loads=True)
    if late:
        bench.late_port = True
        await bench.cycle("read_matmul")
        bench.late_port = False
        require(bench.model.late, "no error that waits")


async def until_checked(bench, *descs, refused=False):
    await until_phase(bench, "check", *descs, refused=refused)
    while bench.model.check_left:
        await bench.cycle()


async def until_drain(bench, way, refused=False):
    """A running program is stopped while the bus is busy."""
    await until_phase(bench, "end", matmul(), prune(overlap=True), refused=refused)
    bench.open = True
    await bench.cycle(*way)
    if way == ["clear"] and refused:
        await bench.cycle(*way)
    require(bench.model.phase == "drain", "not in drain but in %s", bench.model.phase)


async def until_reported(bench, refused=False):
    await until_drain(bench, ["read_matmul"], refused)
    await bench.cycle("hang")
    require(bench.model.waiting is None, "not reported")


async def until_flush(bench, way, refused=False):
    await until_drain(bench, way, refused)
    await bench.cycle("quiet")
    require(bench.model.phase == "flush", "not in flush but in %s", bench.model.phase)


async def until_error(bench, refused=False):
    await until_flush(bench, ["write_vector"], refused)
    await bench.cycle()
    require(bench.model.phase == "error", "not in error but in %s", bench.model.phase)


async def until_idle(bench, refused=False):
    if refused:
        await bench.begin(fence(), refused=True)
        await bench.until(lambda: bench.model.phase == "idle")


async def until_no_program(bench, refused=False):
    bench.program, bench.address = (), DESC_BYTES
    bench.open = True
    await bench.cycle("start")
    require(bench.model.phase == "drain", "not in drain but in %s", bench.model.phase)


async def until_done(bench, refused=False):
    """The cycle in which the last command is complete may come."""
    await until_phase(bench, "end", fence(), refused=refused)


SITUATIONS = {
    "idle": (until_idle,),
    "no program": (until_no_program,),
    "fetch asked": (in_fetch, matmul()),
    "fetch": (in_fetch, matmul()),
    "fetch behind one": (in_fetch, matmul(), prune(overlap=True)),
    "fetch behind both": (in_fetch, prune(), matmul(overlap=True), fence(irq=True)),
    "read": (until_read, matmul()),
    "read behind one": (until_read, prune(), matmul(overlap=True)),
    "check": (until_phase, "check", matmul()),
    "check behind one": (until_phase, "check", prune(), matmul()),
    "checked": (until_checked, fence(irq=True)),
    "checked behind one": (until_checked, matmul(), prune(overlap=True)),
    "checked bad": (until_checked, BAD_OPCODE),
    "checked bad behind both": (until_checked, matmul(), prune(overlap=True), BAD_TENSOR),
    "issue fence": (until_phase, "issue", matmul(), fence(irq=True)),
    "issue waits": (until_phase, "issue", matmul(), matmul(overlap=True)),
    "issue waits for both": (until_phase, "issue", matmul(), prune(overlap=True), prune()),
    "issue at once": (until_phase, "issue", matmul()),
    "issue beside": (until_phase, "issue", prune(), matmul(overlap=True)),
    "ahead": (until_pair, matmul(), matmul(), fence(irq=True)),
    "ahead beside": (until_pair, prune(), matmul(overlap=True), matmul(overlap=True), prune()),
    "ahead, error waits": (partial(until_pair, late=True), matmul(), matmul(), prune(True)),
    "end of a pair": (until_pair, matmul(), matmul()),
    "end of a pair, error waits": (partial(until_pair, late=True), matmul(), matmul()),
    "end": (until_phase, "end", prune()),
    "end of both": (until_phase, "end", matmul(), prune(overlap=True)),
    "done": (until_done,),
    "bad": (until_phase, "bad", matmul(), BAD_OPCODE),
    "bad behind both": (until_phase, "bad", prune(), matmul(overlap=True), BAD_TENSOR),
    "drain, error waits": (until_drain, ["read_vector"]),
    "drain, cleared": (until_drain, ["clear"]),
    "drain, reported": (until_reported,),
    "flush to error": (until_flush, ["write_matmul"]),
    "flush to idle": (until_flush, ["clear"]),
    "error": (until_error,),
}
