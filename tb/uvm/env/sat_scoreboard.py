# SPDX-License-Identifier: Apache-2.0
"""Compares the core with the golden model: memory, registers, counters, interrupt, bus traffic."""

from __future__ import annotations

from collections import Counter

from pyuvm import uvm_analysis_port, uvm_scoreboard, uvm_subscriber

from sat.plan import array_slots
from sat.regs import COUNTERS, ID_VALUE, VERSION_VALUE, Ctrl, IrqStatus, Reg, Status
from sat_golden.defs import M_MAX, Error, Opcode
from tb.uvm.agents.axi_mem.axi_burst import AxiBurst
from tb.uvm.agents.axi_mem.axi_mem_item import AxiMemItem
from tb.uvm.agents.axil.axil_item import AxilItem
from tb.uvm.agents.irq.irq_item import IrqItem
from tb.uvm.env.prediction import Prediction
from tb.uvm.env.register_shadow import RegisterShadow
from tb.uvm.env.reported_error import ReportedError
from tb.uvm.env.run import End, Run
from tb.uvm.env.sat_env_cfg import SatEnvCfg

COUNTER_LOW = {offset: name for name, offset in COUNTERS.items()}
BUSY_COUNTERS = ("ARRAY_BUSY", "VECTOR_BUSY", "RDMA_BUSY", "WDMA_BUSY")
STALL_COUNTERS = ("STALL_A", "STALL_S", "STALL_DRAIN")


class SatScoreboard(uvm_scoreboard):
    """Follows the core through what the host writes and reads.

    A run ends for the scoreboard when the host reads a STATUS that is neither busy nor draining:
    then the memory must be what the predictor said. What the host cannot know (did the clear come
    before the end?) is accepted either way, but never a byte outside the outputs.
    `run_ap` publishes each run at its end, `error_ap` each error that was read. `checks` counts the
    comparisons made of each kind.
    """

    cfg: SatEnvCfg

    def build_phase(self) -> None:
        super().build_phase()
        port = uvm_subscriber.uvm_AnalysisImp
        self.prediction_export = port("prediction_export", self, self._on_start)
        self.request_export = port("request_export", self, self._on_request)
        self.access_export = port("access_export", self, self._on_access)
        self.burst_export = port("burst_export", self, self._on_burst)
        self.memory_export = port("memory_export", self, self._on_memory)
        self.irq_export = port("irq_export", self, self._on_irq)
        self.reset_export = port("reset_export", self, self._on_reset)
        self.run_ap = uvm_analysis_port("run_ap", self)
        self.error_ap = uvm_analysis_port("error_ap", self)
        self.checks: Counter[str] = Counter()
        self._silent = False
        self._forget()

    def _forget(self) -> None:
        """As after a reset."""
        self._registers = RegisterShadow()
        self._run: Run | None = None     # under way
        self._ended: Run | None = None   # the one before, whose result the registers still show
        self._late: Run | None = None    # it hung; transfers are still to come
        self._refused: list[Prediction] = []  # starts that were refused since the clear
        self._irq_must = self._irq_may = 0
        self._irq = IrqItem()
        self._error_words: dict[int, int] = {}
        self._counters: dict[str, int] = {}
        self._counter_low = (0, 0)       # offset and value of the last _LO that was read

    def _expect(self, kind: str, holds: bool, text: str, *args: object) -> None:
        self.checks[kind] += 1
        if not holds:
            self.logger.error(f"{kind}: {text}", *args)

    def _compare(self, kind: str, check, *args: object) -> None:
        """A check of tb/top/expect.py, which raises."""
        try:
            check(*args)
        except AssertionError as error:
            self._expect(kind, False, "%s", error)
        else:
            self._expect(kind, True, "")

    # What the host does

    def _on_start(self, prediction: Prediction) -> None:
        if self._run:
            self._run.refused.append(prediction)
            self._refused.append(prediction)
            self._irq_may |= IrqStatus.ERROR
        elif self._waits_for_clear or self._late:
            self._refused.append(prediction)
            self._irq_must |= IrqStatus.ERROR
            self._irq_may |= IrqStatus.ERROR
        else:
            self._run = Run(prediction, silenced=self._silent)
            self._irq_may |= possible_irqs(prediction)

    @property
    def _waits_for_clear(self) -> bool:
        return self._ended is not None and self._ended.end in (End.FAILED, End.HUNG)

    def _on_request(self, item: AxilItem) -> None:
        if not item.write:
            return
        self._registers.write(item)
        if RegisterShadow.written_ones(item, Reg.CTRL) & Ctrl.CLEAR:
            self._on_clear()
        acknowledged = RegisterShadow.written_ones(item, Reg.IRQ_STATUS)
        if acknowledged:
            self._irq_must &= ~acknowledged
            if self._run:
                self._run.fence_acknowledged |= bool(acknowledged & IrqStatus.FENCE)
            else:
                self._irq_may &= ~acknowledged

    def _on_clear(self) -> None:
        if self._run and self._refused and not self._run.cleared:
            self._run.refused.clear()  # only the refusal is forgotten
            self._run.done_unsure = True
        elif self._run:
            self._run.cleared = True
        elif self._ended:
            self._ended = None
        self._refused.clear()

    def _on_memory(self, item: AxiMemItem) -> None:
        if item.silent is not None:
            self._silent = item.silent
            if self._run:
                self._run.silenced |= item.silent

    def _on_reset(self, _item: object) -> None:
        if self._run:
            self._finish(End.RESET)
        self._forget()

    def _on_irq(self, item: IrqItem) -> None:
        self._irq = item

    # What the host sees

    def _on_access(self, item: AxilItem) -> None:
        register = self.cfg.ral.at(item.address)
        legal = register is not None and (register.writable or not item.write)
        self._expect("RESPONSE", item.okay == legal, "%s", item)
        if item.write or not item.okay:
            return
        offset, value = item.address & ~3, item.data
        if offset in self._registers:
            self._expect("REGISTER", value == self._registers[offset], "%s reads %#x, not %#x",
                         register.get_name(), value, self._registers[offset])
        elif offset == Reg.STATUS:
            self._on_status(value)
        elif offset == Reg.IRQ_STATUS:
            self._check_irqs(item)
        elif offset in (Reg.ERR_CODE, Reg.ERR_INDEX, Reg.ERR_ADDR_LO, Reg.ERR_ADDR_HI):
            self._error_words[offset] = value
            if len(self._error_words) == 4:
                self._check_error()
                self._error_words.clear()
        elif offset >= Reg.CYCLES_LO:
            self._on_counter(offset, value)
        else:
            self._check_constant(offset, value)

    def _check_constant(self, offset: int, value: int) -> None:
        core = self.cfg.core
        expected = {
            Reg.ID: ID_VALUE,
            Reg.VERSION: VERSION_VALUE,
            Reg.CAPS0: core.rows | core.cols << 8 | core.t << 16 | M_MAX << 24,
            Reg.CAPS1: core.data_w | core.addr_w << 16,
            Reg.CTRL: 0,
        }[offset]
        self._expect("REGISTER", value == expected, "%s reads %#x, not %#x", Reg(offset).name,
                     value, expected)

    def _on_status(self, value: int) -> None:
        busy, draining = bool(value & Status.BUSY), bool(value & Status.DRAINING)
        if not busy and not draining:
            self._expect("STATUS", not value & (Status.MATMUL_BUSY | Status.VECTOR_BUSY),
                         "%#x: an engine is busy without a program", value)
        run = self._run
        if run is None:
            self._expect("STATUS", not busy, "busy without a program")
            self._expect("STATUS", not draining or self._late is not None,
                         "draining without a program")
        elif busy:
            return
        elif draining:
            # A hang is reported before the bus is quiet.
            if not value & Status.ERROR or run.cleared or not run.silenced:
                return
            self._finish(End.HUNG)
        else:
            self._finish(self._kind_of_end(value))
            if (run.refused and run.end == End.DONE
                    and value & (Status.ERROR | Status.DONE) == Status.ERROR):
                # The last start came after the end: it was accepted, and has failed by now.
                self._refused.clear()
                self._run = Run(run.refused[-1])
                self._finish(End.FAILED)
        if self._late and not draining:
            late, self._late = self._late, None
            self._compare("MEMORY", late.prediction.expected.check_untouched,
                          self.cfg.memory.bfm.image)
        self._check_flags(value)

    def _kind_of_end(self, status: int) -> End:
        run = self._run
        if run.cleared:
            return End.CLEARED
        failed = bool(status & Status.ERROR) and not run.refused
        if failed and run.silenced and run.prediction.watchdog:
            return End.HUNG
        return End.DONE if run.code == Error.NONE else End.FAILED

    def _check_flags(self, status: int) -> None:
        ended = self._ended
        failed = bool(self._refused) or self._waits_for_clear
        self._expect("STATUS", bool(status & Status.ERROR) == failed, "%#x, error expected: %s",
                     status, failed)
        done = ended is not None and ended.end == End.DONE
        if not (ended and ended.done_unsure):
            self._expect("STATUS", bool(status & Status.DONE) == done, "%#x, done expected: %s",
                         status, done)
        if ended and ended.end in (End.DONE, End.FAILED):
            self._compare("OVERFLOW", ended.prediction.expected.check_overflow,
                          bool(status & Status.OVERFLOW))

    def _finish(self, end: End) -> None:
        run, self._run = self._run, None
        run.end, self._ended = end, run
        expected, image = run.prediction.expected, self.cfg.memory.bfm.image
        if end in (End.DONE, End.FAILED):
            self._compare("MEMORY", expected.check_memory, image)
            self._settle_irqs(run)
        else:
            self._compare("MEMORY", expected.check_untouched, image)
            if end == End.HUNG:
                self._irq_must |= IrqStatus.ERROR
                self._late = run
        if end == End.CLEARED:
            self._ended = None
        self._counters.clear()
        self.logger.debug("%s: %s", end.name, run.prediction)
        self.run_ap.write(run)

    # Interrupts

    def _settle_irqs(self, run: Run) -> None:
        """The run is over: what it had to raise is raised."""
        result = run.prediction.expected.result
        self._irq_must |= IrqStatus.DONE if run.end == End.DONE else IrqStatus.ERROR
        if result.fence_irqs and not run.fence_acknowledged:
            self._irq_must |= IrqStatus.FENCE
        ambiguous = IrqStatus.FENCE if result.fence_irqs else 0
        if run.refused:
            ambiguous |= IrqStatus.ERROR
        self._irq_may = self._irq_must | ambiguous

    def _check_irqs(self, item: AxilItem) -> None:
        value = item.data
        self._expect("IRQ", value & self._irq_must == self._irq_must and
                     not value & ~(self._irq_must | self._irq_may),
                     "IRQ_STATUS %#x, must have %#x, may have %#x", value, self._irq_must,
                     self._irq_may)
        if self._irq.cycle < item.accept_cycle:
            shows = bool(value & self._registers[Reg.IRQ_ENABLE])
            self._expect("IRQ", self._irq.level == shows, "interrupt %d with status %#x, enable "
                         "%#x", self._irq.level, value, self._registers[Reg.IRQ_ENABLE])

    # Error registers

    def _check_error(self) -> None:
        code, index, low, high = (self._error_words[reg] for reg in (
            Reg.ERR_CODE, Reg.ERR_INDEX, Reg.ERR_ADDR_LO, Reg.ERR_ADDR_HI))
        address = low | high << 32
        self._expect("ERROR", self._accepts_error(code, index, address),
                     "registers say %d %d %#x, refused %s, ended %s", code, index, address,
                     [hex(start.address) for start in self._refused],
                     self._ended and self._ended.prediction)
        if code in list(Error)[1:]:
            run = self._run or self._ended
            self.error_ap.write(ReportedError(Error(code), index, address,
                                              run and run.prediction,
                                              run.read_beats if run else 0))

    def _accepts_error(self, code: int, index: int, address: int) -> bool:
        run = self._run or self._ended
        if code == Error.BUSY:
            # The first error is kept: a start that was refused after it does not show.
            kept = self._waits_for_clear and not run.refused
            length = run.prediction.length if run else 1 << 32
            return (bool(self._refused) and not kept and index < length
                    and address == self._refused[0].address)
        if self._ended is None:
            # A start after a clear may have come late enough to be accepted.
            return (code, index, address) == (0, 0, 0) and not self._refused or any(
                start.expected.model.accepts(start.expected.result, code, index, address)
                for start in self._refused)
        prediction = self._ended.prediction
        if self._ended.end == End.HUNG and code == Error.HANG:
            return (index < prediction.length
                    and address == prediction.descriptor_address(index))
        result = prediction.expected.result
        return prediction.expected.model.accepts(result, code, index, address)

    # Counters

    def _on_counter(self, offset: int, value: int) -> None:
        if offset in COUNTER_LOW:
            self._counter_low = (offset, value)
            return
        low_offset, low = self._counter_low
        if low_offset == offset - 4:
            self._counters[COUNTER_LOW[low_offset]] = low | value << 32
        if len(self._counters) == len(COUNTERS):
            if self._ended and self._ended.clean and not self._run:
                self._check_counters(self._ended, dict(self._counters))
            self._counters.clear()

    def _check_counters(self, run: Run, counters: dict[str, int]) -> None:
        def equal(name: str, expected: int) -> None:
            self._expect("COUNTER", counters[name] == expected, "%s is %d, not %d: %s", name,
                         counters[name], expected, run.prediction)

        equal("BYTES_READ", run.read_beats * self.cfg.memory.beat_bytes)
        equal("BYTES_WRITTEN", run.written_bytes)
        slots = sum(array_slots(self.cfg.core, desc) for desc in run.prediction.commands)
        equal("ARRAY_SLOTS", slots)
        waiting = sum(counters[name] for name in STALL_COUNTERS)
        working = slots * self.cfg.core.t
        self._expect("COUNTER", not slots or working + waiting <= counters["ARRAY_BUSY"],
                     "busy %d, %d working and %d waiting", counters["ARRAY_BUSY"], working, waiting)
        for name in BUSY_COUNTERS:
            self._expect("COUNTER", counters[name] <= counters["CYCLES"], "%s %d of %d cycles",
                         name, counters[name], counters["CYCLES"])
        opcodes = {desc.opcode for desc in run.prediction.commands}
        self._expect("COUNTER", bool(counters["ARRAY_BUSY"]) == (Opcode.MATMUL in opcodes),
                     "ARRAY_BUSY %d: %s", counters["ARRAY_BUSY"], run.prediction)
        self._expect("COUNTER", bool(counters["VECTOR_BUSY"]) == bool(
            opcodes - {Opcode.MATMUL, Opcode.FENCE}), "VECTOR_BUSY %d: %s",
            counters["VECTOR_BUSY"], run.prediction)

    # Bus traffic

    def _on_burst(self, burst: AxiBurst) -> None:
        run = self._run
        if run is None:
            self._expect("TRAFFIC", self._late is not None, "without a program: %s", burst)
            return
        size = self.cfg.memory.beat_bytes
        if burst.write:
            run.written_bytes += sum(strobe.bit_count() for strobe in burst.strobes)
            for beat, strobe in enumerate(burst.strobes):
                if strobe:
                    first = (strobe & -strobe).bit_length() - 1
                    address = burst.address + beat * size
                    self._expect("TRAFFIC", run.may_write(address + first,
                                                          strobe.bit_length() - first),
                                 "outside the outputs: %#x of %s: %s", address, burst,
                                 run.prediction)
        else:
            run.read_beats += burst.beats
            self._expect("TRAFFIC", run.may_read(burst.address, burst.beats * size),
                         "outside the operands: %s: %s", burst, run.prediction)

    def check_phase(self) -> None:
        if self._run:
            self.logger.error("RUN: the test ended before its program: %s", self._run.prediction)


def possible_irqs(prediction: Prediction) -> int:
    """What the program may raise before anyone has seen its end."""
    result = prediction.expected.result
    fence = IrqStatus.FENCE if result.fence_irqs else 0
    return int(IrqStatus.DONE | IrqStatus.ERROR | fence)
