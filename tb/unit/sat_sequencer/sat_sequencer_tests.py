# SPDX-License-Identifier: Apache-2.0
"""sat_sequencer with fake engines and a fake read DMA: order, overlap, fences, ways to stop; and in
lockstep with a reference, whatever comes together in a cycle."""

from dataclasses import dataclass, replace
from itertools import combinations

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from sat_golden.checks import check
from sat_golden.defs import DESC_BYTES, Error, MatmulSlot, Opcode
from sat_golden.descriptor import Descriptor, Slot
from tb.common.axi_memory import DECERR, SLVERR, number
from tb.common.clock import start
from tb.common.rng import make_rng
from tb.unit.sat_cmd_check.descriptors import damage, random_legal
from tb.unit.sat_sequencer.lockstep import (
    ADDR_W,
    BAD_OPCODE,
    BAD_TENSOR,
    SITUATIONS,
    Lockstep,
    command,
    fault_of,
)
from tb.unit.sat_sequencer.programs import ENGINES, fence, matmul, prune, random_program
from tb.unit.sat_sequencer.reference import LOAD_PORTS

PROG_ADDR = 0x12_3456_7080
BEAT_BYTES = 16
FETCH_PORT = 7
WATCHDOG = 300
LIMIT = 20_000
EVENTS_AT_ONCE = 3
SLOT_LSB, SLOT_BITS = 256, 96  # of a descriptor
INDEX_W = 32
LAST_INDEX = (1 << INDEX_W) - 1
ASIDE = {"overflow", "progress"}  # decide nothing in their cycle: one other event is enough


@dataclass
class Engine:
    """What a fake engine does: busy for a while, with a pulse or an error on the way."""

    busy: int = 0             # cycles left
    overflow: bool = False    # with the last busy cycle
    index: int | None = None  # its command, until the command is complete
    behind: int | None = None  # the array's command that loads meanwhile


class Bench:
    """Everything around the sequencer. Per cycle: `drive`, then `sample`."""

    def __init__(self, dut, rng, longest=120):
        self.dut, self.rng = dut, rng
        self.shortest, self.longest = 1, longest  # cycles of a command
        self.program = []
        self.engines = {"matmul": Engine(), "vector": Engine()}
        self.beats = []        # of the fetch in progress
        self.wait = 0          # cycles until its next beat
        self.fetch_index = 0
        self.fetch_errors = {}  # (index, beat): response
        self.fetch_dead = False
        self.issued = []       # indices
        self.completed = []
        self.reports = []      # (code, index, address)
        self.fences = self.dones = self.flushes = 0
        self.overflow = self.latch = False
        self.next_index = 0
        self.bus_error = {}    # signals of one bus error, for the next cycle
        self.stuck = False     # an engine's transfer never ends, nor does its work go on
        self.p_overflow = 0.2
        self.meets = []        # what was said with each start
        self.pairs = 0         # how often a MATMUL started while another was inside

    # Inputs

    def drive(self):
        dut, rng = self.dut, self.rng
        for name, engine in self.engines.items():
            getattr(dut, f"{name}_busy_i").value = int(engine.busy > 0)
            if name == "matmul":
                dut.matmul_pair_i.value = int(engine.behind is not None)
                free = not engine.busy or engine.behind is None and rng.random() < 0.5
                dut.matmul_ready_i.value = int(free)
            getattr(dut, f"{name}_overflow_i").value = int(engine.overflow and engine.busy == 1)
            works = engine.busy > 0 and not self.stuck and rng.random() < 0.1
            getattr(dut, f"{name}_progress_i").value = int(works)
        self.req_ready = rng.random() < 0.5
        dut.rd_req_ready_i.value = int(self.req_ready)
        self.wait -= self.wait > 0
        self.beat = bool(self.beats) and self.wait == 0 and not self.fetch_dead
        errors = {"rd_err_valid_i": 0, "wr_err_valid_i": 0, **self.bus_error}
        self.bus_error = {}
        if self.beat:
            dut.rd_rsp_data_i.value = int.from_bytes(self.beats[0], "little")
            resp = self.fetch_errors.get((self.fetch_index, 8 - len(self.beats)))
            if resp is not None:
                errors |= {"rd_err_valid_i": 1, "rd_err_port_i": FETCH_PORT, "rd_err_resp_i": resp,
                           "rd_err_addr_i": self.beat_address()}
        for name, value in errors.items():
            getattr(dut, name).value = value
        dut.rd_rsp_valid_i.value = int(self.beat and not self.halted)
        dut.bus_progress_i.value = int(self.beat)
        dut.rd_drained_i.value = int(not self.beats)
        dut.wr_drained_i.value = int(not self.stuck)

    def beat_address(self):
        return PROG_ADDR + DESC_BYTES * self.fetch_index + BEAT_BYTES * (8 - len(self.beats))

    # Outputs

    @property
    def halted(self):
        return bool(self.dut.halt_o.value)

    def sample(self):
        dut = self.dut
        self.check_issue()
        if dut.err_valid_o.value:
            self.reports.append((number(dut.err_code_o), number(dut.err_index_o),
                                 number(dut.err_addr_o)))
        self.step_fetch()
        for name, engine in self.engines.items():
            if engine.busy and not engine.busy - 1 and not self.stuck:
                self.completed.append(engine.index)
            if engine.busy > 1 or engine.busy and not self.stuck:
                self.overflow |= engine.overflow and engine.busy == 1
                engine.busy -= 1
            started = self.issued[-1] if getattr(dut, f"{name}_start_o").value else None
            if engine.busy and started is not None:
                engine.behind = started
                self.pairs += 1
            elif not engine.busy and (engine.behind, started) != (None, None):
                engine.busy = int(self.rng.integers(self.shortest, self.longest + 1))
                engine.overflow = bool(self.rng.random() < self.p_overflow)
                engine.index = started if engine.behind is None else engine.behind
                engine.behind = None
        if dut.flush_o.value:
            self.flushes += 1
            self.engines = {"matmul": Engine(), "vector": Engine()}
            assert not self.beats and not self.stuck, "flushed before the bus was quiet"

    @property
    def any_busy(self):
        return any(engine.busy for engine in self.engines.values())

    def pass_fence(self, irq):
        """Follows the next command if it is this kind of fence."""
        desc = self.program[self.next_index] if self.next_index < len(self.program) else None
        if desc is None or desc.opcode != Opcode.FENCE or bool(desc.flags) != irq:
            return False
        assert not self.any_busy, "fence before the end of earlier commands"
        self.latch = self.overflow
        self.next_index += 1
        self.fences += irq
        return True

    def check_issue(self):
        """The commands that start in this cycle are the next of the program, and may start."""
        dut = self.dut
        started = [name for name in self.engines if getattr(dut, f"{name}_start_o").value]
        fence_irq, done = bool(dut.fence_set_o.value), bool(dut.done_set_o.value)
        if not (started or fence_irq or done):
            return
        assert len(started) + fence_irq + done == 1
        while self.pass_fence(irq=False):  # nothing shows when such a fence passes
            pass
        if fence_irq:
            assert self.pass_fence(irq=True), "interrupt without its fence"
        elif done:
            assert self.next_index == len(self.program) and not self.any_busy
            self.dones += 1
        else:
            desc = self.program[self.next_index]
            assert started == [ENGINES[desc.opcode]], f"{started} started, not {desc.opcode.name}"
            assert number(dut.desc_o).to_bytes(DESC_BYTES, "little") == desc.pack()
            matmul, vector = self.engines["matmul"], self.engines["vector"]
            assert matmul.behind is None, "started beside two"
            assert started == ["matmul"] or not vector.busy
            assert desc.overlap or not vector.busy and (started == ["matmul"] or not matmul.busy), (
                "started beside an earlier command")
            assert bool(dut.overflow_latch_o.value) == self.latch
            self.meets.append((bool(dut.matmul_a_meets_o.value), bool(dut.matmul_s_meets_o.value)))
            self.issued.append(self.next_index)
            self.next_index += 1

    def step_fetch(self):
        dut = self.dut
        if self.beat:
            self.beats.pop(0)
            self.wait = int(self.rng.integers(3))
        if dut.rd_req_valid_o.value and self.req_ready and not self.halted:
            assert not self.beats and number(dut.rd_req_beats_o) == 8
            offset = number(dut.rd_req_addr_o) - PROG_ADDR
            self.fetch_index = offset // DESC_BYTES
            data = self.program[self.fetch_index].pack()
            self.beats = [data[at:at + BEAT_BYTES] for at in range(0, DESC_BYTES, BEAT_BYTES)]
            self.wait = int(self.rng.integers(1, 30))

    # Actions

    async def cycle(self):
        self.drive()
        await ReadOnly()
        self.sample()
        await FallingEdge(self.dut.clk)

    async def pulse(self, signal):
        pin = getattr(self.dut, signal)
        pin.value = 1
        await self.cycle()
        pin.value = 0

    async def start(self, program, address=PROG_ADDR):
        self.program = program
        self.issued, self.completed, self.reports = [], [], []
        self.fences = self.dones = self.flushes = self.next_index = 0
        self.overflow = self.latch = False
        self.dut.prog_addr_i.value = address
        self.dut.prog_len_i.value = len(program)
        await self.pulse("start_i")

    async def until(self, condition):
        for _ in range(LIMIT):
            if condition():
                return
            await self.cycle()
        raise AssertionError(f"{condition.__name__}: not in {LIMIT} cycles")

    async def finish(self):
        """Runs to the end of the program."""
        def ended():
            return self.dones == 1 or bool(self.reports)
        await self.until(ended)
        assert not self.reports, self.reports
        commands = [i for i, desc in enumerate(self.program) if desc.opcode != Opcode.FENCE]
        assert self.issued == commands and sorted(self.completed) == commands
        assert self.fences == sum(bool(d.flags) for d in self.program if d.opcode == Opcode.FENCE)
        assert bool(self.dut.overflow_o.value) == self.overflow
        assert not self.dut.busy_o.value and not self.flushes

    async def fail(self, code, index, address):
        """Runs to the report of this error and checks that the core has stopped."""
        def reported():
            return bool(self.reports)
        await self.until(reported)
        assert self.reports == [(code, index, address)], (
            f"{self.reports} instead of {(code, index, address)}")
        issued = list(self.issued)
        for _ in range(100):
            await self.cycle()
        assert self.issued == issued, "a command started after the error"
        assert not self.dones and len(self.reports) == 1

    async def clear_and_run(self):
        """Clears the error; the next program must run."""
        assert self.flushes == 1 and not self.dut.busy_o.value and not self.dut.draining_o.value
        await self.pulse("clear_i")
        self.fetch_errors.clear()
        await self.start(random_program(self.rng, 5))
        await self.finish()


async def begin(dut, longest=120):
    await start(dut, watchdog_i=WATCHDOG)
    bench = Bench(dut, make_rng("bench"), longest)
    await bench.cycle()
    return bench


def desc_address(index):
    return PROG_ADDR + DESC_BYTES * index


async def lockstep(dut, name):
    await start(dut)
    return Lockstep(dut, make_rng(name))


def allowed(events):
    """A start comes without a clear, a port shows one error, an engine that ends has none."""
    reads = sum(event.startswith("read_") for event in events)
    writes = sum(event.startswith("write_") for event in events)
    ended = {event.removesuffix("_ends") for event in events if event.endswith("_ends")}
    return (not {"start", "clear"} <= set(events) and reads <= 1 and writes <= 1
            and not {"beat", "read_fetch"} <= set(events)
            and not any(event.endswith(f"_{engine}") for event in events for engine in ended))


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def test_random_events_in_lockstep(dut):
    bench = await lockstep(dut, "soak")
    rng = bench.rng
    kinds = [matmul(), matmul(True), prune(), prune(True), fence(), fence(True)]
    for _ in range(250):
        descs = [kinds[rng.integers(len(kinds))] for _ in range(int(rng.integers(1, 5)))]
        if rng.random() < 0.3:
            descs[rng.integers(len(descs))] = BAD_TENSOR if rng.integers(2) else BAD_OPCODE
        await bench.begin(*descs)
        often = float(rng.choice([0.02, 0.1, 0.3]))
        for _ in range(int(rng.integers(20, 120))):
            names = [name for name in bench.possible() if name not in ("start", "clear", "hang")]
            events = tuple(name for name in names if rng.random() < often * (
                0.1 if name.startswith(("read_", "write_")) else 2))
            extra = [str(rng.choice(["start", "clear", "hang"]))] * (rng.random() < 0.02)
            events += tuple(name for name in extra if name in bench.possible())
            await bench.cycle(*(events if allowed(events) else ()))
        await bench.rest()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_far_into_a_program(dut):
    """Every bit of a command's index, which is set to where no simulation gets: what is reported,
    which of two commands is older, where the program ends."""
    bench = await lockstep(dut, "far")
    rng = bench.rng
    bench.index_register.value = (1 << INDEX_W) - 1
    await bench.cycle()
    kept = number(bench.index_register)  # all, unless a mutant's switch drives a bit
    carries = [(1 << bit) - back for bit in range(3, INDEX_W) for back in (1, 2, 3)]
    random = [int(rng.integers(1 << INDEX_W)) >> int(rng.integers(8)) for _ in range(150)]
    kinds = [matmul(True), prune(True), fence()]
    for index in carries + random:
        descs = [kinds[rng.choice(3, p=[0.45, 0.45, 0.1])] for _ in range(int(rng.integers(2, 5)))]
        descs[-1] = [descs[-1], BAD_TENSOR, BAD_OPCODE][rng.choice(3, p=[0.7, 0.1, 0.2])]
        await bench.begin(*descs, skip=max(1, min(index, LAST_INDEX - len(descs)) & kept))
        for _ in range(150):
            if not bench.model.running:
                break
            names = [name for name in bench.possible() if name not in ("clear", "hang")]
            events = tuple(name for name in names if rng.random() < (
                0.5 if name in ("beat", "loads") else
                0.002 if name.startswith(("read_", "write_")) else 0.01))
            await bench.cycle(*(events if allowed(events) else ()))
        if bench.model.running:
            await bench.cycle("hang" if "hang" in bench.possible() else "clear")
        await bench.rest()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_every_bit_of_the_watchdogs_limit(dut):
    """Its count is set to where no simulation gets: a hang after that many cycles, none before."""
    bench = await lockstep(dut, "watchdog")
    random = [int(bench.rng.integers(1 << 32)) for _ in range(64)]
    for limit in [(1 << bit) + 3 for bit in range(2, 32)] + random:
        await bench.begin(matmul())
        await bench.until_waiting(1, "end")
        bench.wait_as_long(limit - 3)
        for _ in range(3):
            await bench.cycle()
        await bench.cycle("hang")
        await bench.rest()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_random_descriptors_reach_their_engines(dut):
    """Every bit of a descriptor is checked and handed on as it is: legal ones with all that they
    may hold, and damaged ones."""
    bench = await lockstep(dut, "descriptors")
    rng = bench.rng
    for _ in range(400):
        descs = [random_legal(rng, ADDR_W).pack() for _ in range(int(rng.integers(1, 4)))]
        if rng.integers(2):
            descs[-1] = damage(rng, descs[-1])
        if not any(map(size_of_windows_is_wrong, descs)):
            await bench.begin(*descs)
            await bench.rest()


def size_of_windows_is_wrong(data):
    fault = fault_of(check, data, 0)
    return fault and fault[0] == Error.SIZE and Descriptor.unpack(data).has_windows


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_each_bit_of_a_descriptor(dut):
    """Inverted in a FENCE, whose bits are nearly all reserved, in a MATMUL, and in others, many of
    which are just legal, whose tensor it misaligns: that is found after much else."""
    bench = await lockstep(dut, "bits")
    pool = [random_legal(bench.rng, ADDR_W) for _ in range(60)]
    for bit in range(8 * DESC_BYTES):
        slot, at = divmod(bit - SLOT_LSB, SLOT_BITS)
        others = [desc for desc in pool if slot in desc.slots and at % 64 < 6]
        for desc in (fence(), matmul(), *others):
            value = int.from_bytes(desc.pack(), "little") ^ 1 << bit
            data = value.to_bytes(DESC_BYTES, "little")
            if not size_of_windows_is_wrong(data):
                await bench.begin(data)
                await bench.rest()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_program_limits(dut):
    """Ends exactly at the end of the address space, one descriptor beyond, and beyond by each power
    of two; every bit."""
    bench = await lockstep(dut, "limits")
    space = 1 << 40
    lengths = sorted({1, 2, 3, (1 << 32) - 1} | {1 << bit for bit in range(32)})
    cases = [(space - DESC_BYTES * length, length) for length in lengths]
    cases += [(space - DESC_BYTES * (length - 1), length) for length in lengths if length > 1]
    cases += [(space - (1 << bit), 1 << bit - 6) for bit in range(7, 38)]
    cases += [(DESC_BYTES + bit, 1) for bit in (1 << b for b in range(7))]
    cases += [(1 << bit, 1) for bit in range(7, 64)]
    cases += [(0, 0), (DESC_BYTES, 0), (0, (1 << 32) - 1)]
    for address, length in cases:
        bench.program, bench.address, bench.length = (command(fence().pack()),), address, length
        await bench.cycle("start")
        await bench.cycle()
        await bench.cycle()
        if bench.model.running:
            await bench.cycle("clear")
        await bench.rest()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(longest=[2, 40, 400])
async def test_random_programs_run_in_order(dut, longest):
    bench = await begin(dut, longest)
    for _ in range(12):
        await bench.start(random_program(bench.rng, int(bench.rng.integers(1, 20))))
        await bench.finish()
    assert bench.pairs or longest < 400


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_tells_what_meets_the_result_before(dut):
    """With each start: whether A, or S, of a MATMUL meets C of the one before."""
    bench = await begin(dut)
    c = matmul().slots[MatmulSlot.C]
    for slot in (MatmulSlot.A, MatmulSlot.S_VALUES, None):
        second = replace(matmul(), rows=4)
        if slot is not None:
            second.slots[slot] = Slot(c.address + 2 * c.stride, c.stride)
            second.slots[MatmulSlot.C] = Slot(0x9000, 64)
        await bench.start([matmul(), second])
        await bench.finish()
        assert bench.meets[-1] == (slot == MatmulSlot.A, slot == MatmulSlot.S_VALUES)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_overlap_really_overlaps_and_hides_the_fetch(dut):
    bench = await begin(dut, 400)
    bench.shortest = 200
    await bench.start([matmul(), prune(overlap=True), matmul(overlap=True)])
    both = 0
    while not bench.dones:
        await bench.cycle()
        both += all(engine.busy for engine in bench.engines.values())
    assert both > 0
    await bench.start([matmul()] * 6)
    gap = worst = 0
    while not bench.dones:
        await bench.cycle()
        if 0 < len(bench.issued) < 6:
            gap = 0 if bench.any_busy else gap + 1
            if len(bench.issued) > 1:
                worst = max(worst, gap)
    assert worst <= 2, f"{worst} idle cycles between commands"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_bad_program_address_or_length(dut):
    bench = await begin(dut)
    end = 1 << 40
    for address, length in ((PROG_ADDR + 64, 1), (PROG_ADDR, 0), (end - 128, 2), (end, 1),
                            (1 << 63, 1), (PROG_ADDR + 1, 1)):
        await bench.start([matmul()] * length, address)
        await bench.fail(Error.PROGRAM, 0, address)
        await bench.clear_and_run()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_bad_descriptor_lets_earlier_commands_complete(dut):
    bench = await begin(dut)
    bad = {
        Error.OPCODE: replace(matmul(), opcode=9),
        Error.FLAGS: replace(matmul(), flags=1 << 11),
        Error.NM: replace(prune(), n=3),
        Error.SIZE: replace(matmul(), cols=0),
        Error.ALIGN: replace(matmul(), slots={**matmul().slots, MatmulSlot.C: Slot(0x4020, 64)}),
        Error.STRIDE: replace(matmul(), slots={**matmul().slots, MatmulSlot.C: Slot(0x4000, 0)}),
        Error.RANGE: replace(matmul(), slots={**matmul().slots, MatmulSlot.C: Slot(1 << 40, 64)}),
    }
    tensor_address = {Error.ALIGN: 0x4020, Error.STRIDE: 0x4000, Error.RANGE: 1 << 40}
    for code, desc in bad.items():
        for _ in range(3):
            program = random_program(bench.rng, int(bench.rng.integers(1, 8)))
            index = int(bench.rng.integers(len(program)))
            program[index] = replace(desc, overlap=bool(bench.rng.integers(2)))
            await bench.start(program)
            await bench.fail(code, index, tensor_address.get(code, desc_address(index)))
            before = [i for i in range(index) if program[i].opcode != Opcode.FENCE]
            assert sorted(bench.completed) == before
            await bench.clear_and_run()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_error_while_reading_a_descriptor(dut):
    bench = await begin(dut)
    for beat in range(8):
        for resp, code in ((SLVERR, Error.READ_SLVERR), (DECERR, Error.READ_DECERR)):
            program = random_program(bench.rng, 5)
            index = int(bench.rng.integers(5))
            bench.fetch_errors = {(index, b): resp for b in range(beat, 8)}
            await bench.start(program)
            await bench.fail(code, index, desc_address(index) + BEAT_BYTES * beat)
            before = [i for i in range(index) if program[i].opcode != Opcode.FENCE]
            assert sorted(bench.completed) == before
            await bench.clear_and_run()


def bus_error(rng, engine, address):
    """The code, and the DMA's signals."""
    resp = int(rng.choice([SLVERR, DECERR]))
    if rng.random() < 0.5:
        port = 6 if engine == "vector" else int(rng.integers(6))
        code = Error.READ_SLVERR if resp == SLVERR else Error.READ_DECERR
        return code, {"rd_err_valid_i": 1, "rd_err_port_i": port, "rd_err_resp_i": resp,
                      "rd_err_addr_i": address}
    code = Error.WRITE_SLVERR if resp == SLVERR else Error.WRITE_DECERR
    return code, {"wr_err_valid_i": 1, "wr_err_port_i": int(engine == "vector"),
                  "wr_err_resp_i": resp, "wr_err_addr_i": address}


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_bus_error_stops_the_program(dut):
    bench = await begin(dut, 200)
    for _ in range(40):
        program = random_program(bench.rng, 8) + [matmul(), prune(overlap=True)]
        await bench.start(program)
        commands = sum(desc.opcode != Opcode.FENCE for desc in program)
        count = int(bench.rng.integers(1, commands + 1))

        def command_running():
            return len(bench.issued) >= count and bench.any_busy
        await bench.until(command_running)
        engine = next(name for name, engine in bench.engines.items() if engine.busy)
        address = int(bench.rng.integers(1 << 36)) * BEAT_BYTES
        # The flush comes only when the bus is quiet: keep a transfer open for a while.
        bench.stuck = bool(bench.rng.integers(2))
        code, bench.bus_error = bus_error(bench.rng, engine, address)
        index, behind = bench.engines[engine].index, bench.engines[engine].behind
        if behind is not None and bench.bus_error.get("rd_err_port_i", 6) in LOAD_PORTS:
            index = behind
        for _ in range(int(bench.rng.integers(1, WATCHDOG // 2))):
            await bench.cycle()
            assert not bench.stuck or not bench.reports, "reported before the bus was quiet"
        bench.stuck = False
        await bench.fail(code, index, address)
        await bench.clear_and_run()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_hang_names_the_oldest_command_and_drains_after_clear(dut):
    bench = await begin(dut, 50)
    for program, oldest in (([matmul(), fence()], 0), ([matmul(), prune(overlap=True), fence()], 0),
                            ([prune(), matmul(overlap=True), fence()], 0)):
        bench.shortest, bench.longest = 200, 250
        await bench.start(program)

        def all_running():
            return len(bench.issued) == len(program) - 1
        await bench.until(all_running)
        bench.stuck = True
        await bench.fail(Error.HANG, oldest, desc_address(oldest))
        assert dut.draining_o.value and not dut.busy_o.value and not bench.flushes
        await bench.pulse("clear_i")
        for _ in range(20):
            await bench.cycle()
        assert dut.draining_o.value, "drained with a transfer outstanding"
        await bench.pulse("start_i")  # refused, not ignored
        assert bench.reports[1:] == [(Error.BUSY, bench.issued[-1], PROG_ADDR)]
        await bench.pulse("clear_i")
        bench.stuck = False
        for _ in range(5):
            await bench.cycle()
        assert bench.flushes == 1 and not dut.draining_o.value
        await bench.start(random_program(bench.rng, 5))
        await bench.finish()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_hang_of_a_descriptor_read(dut):
    bench = await begin(dut)
    bench.fetch_dead = True
    await bench.start([matmul()])
    await bench.fail(Error.HANG, 0, desc_address(0))
    bench.fetch_dead = False
    for _ in range(100):
        await bench.cycle()
    await bench.clear_and_run()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_bus_error_is_reported_though_the_bus_hangs(dut):
    bench = await begin(dut, 50)
    await bench.start([matmul()])

    def running():
        return bench.any_busy
    await bench.until(running)
    bench.stuck = True
    _, bench.bus_error = Error.READ_SLVERR, {"rd_err_valid_i": 1, "rd_err_port_i": 3,
                                             "rd_err_resp_i": SLVERR, "rd_err_addr_i": 0x40}
    await bench.fail(Error.READ_SLVERR, 0, 0x40)
    assert dut.draining_o.value
    bench.stuck = False
    for _ in range(5):
        await bench.cycle()
    await bench.clear_and_run()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_start_while_running_is_refused(dut):
    bench = await begin(dut, 50)
    program = [matmul(), matmul(), prune(), fence(), matmul()]
    for clears in (False, True):
        await bench.start(program)

        def second_issued():
            return len(bench.issued) == 2
        await bench.until(second_issued)
        dut.prog_addr_i.value = 0xABC0
        await bench.pulse("start_i")
        assert bench.reports == [(Error.BUSY, 1, 0xABC0)]
        if clears:
            await bench.pulse("clear_i")  # clears the refusal; the program goes on
        bench.reports.clear()
        await bench.finish()
        await bench.pulse("clear_i")


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_clear_while_running_aborts_without_error(dut):
    bench = await begin(dut)
    for _ in range(30):
        await bench.start(random_program(bench.rng, 10))
        for _ in range(int(bench.rng.integers(1, 400))):
            await bench.cycle()
        if not bench.dones:
            await bench.pulse("clear_i")
            for _ in range(150):
                await bench.cycle()
            assert bench.flushes == 1 and not bench.reports and not bench.dones
        assert not dut.busy_o.value and not dut.draining_o.value
        await bench.start(random_program(bench.rng, 5))
        await bench.finish()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_reset_in_mid_program(dut):
    bench = await begin(dut)
    for _ in range(20):
        await bench.start(random_program(bench.rng, 10))
        for _ in range(int(bench.rng.integers(1, 300))):
            await bench.cycle()
        dut.rst_n.value = 0
        bench.beats, bench.engines = [], {"matmul": Engine(), "vector": Engine()}
        await FallingEdge(dut.clk)
        await FallingEdge(dut.clk)
        dut.rst_n.value = 1
        assert not dut.busy_o.value and not dut.rd_req_valid_o.value
        await bench.start(random_program(bench.rng, 5))
        await bench.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(refused=["not", "before", "now"])
async def test_coincidences_in_every_state(dut, refused):
    """Every event, pair and triple of events that can come together, in every situation, with a
    start that was refused before, or just now, and without."""
    bench = await lockstep(dut, "coincidences")
    at_once = EVENTS_AT_ONCE - (refused == "now")  # the start is one
    played = 0
    for name, (reach, *arguments) in SITUATIONS.items():
        sets, done = None, 0
        while sets is None or done < len(sets):
            options = {"beats": 0} if name == "fetch asked" else {}
            await reach(bench, *arguments, refused=refused == "before", **options)
            if refused == "now":
                await bench.cycle("start")
            if sets is None:
                possible = bench.possible()
                sets = [events for count in range(at_once + 1)
                        for events in combinations(possible, count)
                        if allowed(events) and count + len(ASIDE & set(events)) <= at_once]
            await bench.cycle(*sets[done])
            done += 1
            for _ in range(int(bench.rng.integers(4))):
                await bench.cycle()
            await bench.rest()
        played += done
    dut._log.info("%d coincidences", played)
