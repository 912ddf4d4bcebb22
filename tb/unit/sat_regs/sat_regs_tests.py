# SPDX-License-Identifier: Apache-2.0
"""sat_regs over AXI4-Lite with stalls on every channel, against a model of the register file."""

import os

import cocotb
from cocotb.triggers import FallingEdge

from sat import regs
from sat.regs import Ctrl, IrqStatus, Reg, Status
from sat_golden.defs import M_MAX
from tb.common import clock
from tb.common.axil import OKAY, SLVERR, AxilMaster
from tb.common.rng import make_rng

STALLS = [0.0, 0.5]
# Registers that hold what is written, and the bits that exist.
STORED: dict[int, int] = {
    Reg.SCRATCH: 0xFFFFFFFF, Reg.IRQ_ENABLE: 0x7, Reg.PROG_ADDR_LO: 0xFFFFFFFF,
    Reg.PROG_ADDR_HI: 0xFFFFFFFF, Reg.PROG_LEN: 0xFFFFFFFF, Reg.WATCHDOG: 0xFFFFFFFF,
    Reg.SEED: 0xFFFFFFFF, Reg.STEP: 0xFFFFFFFF}
WRITABLE = {*STORED, Reg.CTRL, Reg.IRQ_STATUS}
# Increment inputs in counter order; the last two count bytes.
INCREMENTS = ("count_cycle_i", "count_array_busy_i", "count_array_slot_i", "count_vector_busy_i",
              "count_rdma_busy_i", "count_wdma_busy_i", "count_stall_a_i", "count_stall_s_i",
              "count_stall_drain_i", "count_rd_beat_i", "count_wr_bytes_i")


async def start(dut, stall=0.0):
    """Resets the register file; returns a bus master."""
    master = AxilMaster(dut, dut.clk, make_rng("bus"), stall=stall)
    await clock.start(dut)
    return master


async def get(master, register):
    data, response = await master.read(register)
    assert response == OKAY
    return data


async def pulse(dut, **inputs):
    """Sets inputs for one cycle."""
    for name, value in inputs.items():
        getattr(dut, name).value = value
    await FallingEdge(dut.clk)
    for name in inputs:
        getattr(dut, name).value = 0


async def count_pulses(dut, signal, counts):
    counts[signal] = 0
    while True:
        await FallingEdge(dut.clk)
        counts[signal] += int(getattr(dut, signal).value)


def lanes(strobe):
    return sum(0xFF << 8 * lane for lane in range(4) if strobe >> lane & 1)


@cocotb.test()
@cocotb.parametrize(stall=STALLS)
async def test_constants_tell_the_configuration(dut, stall):
    master = await start(dut, stall)
    rows, cols, t, addr_w, data_w = map(int, os.environ["SAT_EXPECT"].split())
    assert await get(master, Reg.ID) == regs.ID_VALUE == int.from_bytes(b"SAT1", "big")
    assert await get(master, Reg.VERSION) == regs.VERSION_VALUE
    assert await get(master, Reg.CAPS0) == rows | cols << 8 | t << 16 | M_MAX << 24
    assert await get(master, Reg.CAPS1) == data_w | addr_w << 16


@cocotb.test()
async def test_seed_and_step_are_taken_when_a_program_starts(dut):
    master = await start(dut)
    rng = make_rng("seed")
    taken = None
    for _ in range(60):
        words = tuple(int(word) for word in rng.integers(1 << 32, size=2))
        for register, word in zip((Reg.SEED, Reg.STEP), words):
            assert await master.write(register, word) == OKAY
        dut.busy_i.value = int(rng.integers(2))
        control = int(rng.integers(4))
        await master.write(Reg.CTRL, control)
        if control == Ctrl.START and not dut.busy_i.value:
            taken = words
        if taken:
            assert (dut.seed_o.value, dut.step_o.value) == taken


@cocotb.test()
@cocotb.parametrize(stall=STALLS)
async def test_random_accesses_match_model(dut, stall):
    """Any address, any strobes: stored registers change in strobed bytes only, others never."""
    master = await start(dut, stall)
    rng = make_rng("accesses")
    model = dict.fromkeys(STORED, 0)
    known = list(Reg)
    pulses: dict[str, int] = {}
    for signal in ("start_o", "clear_o"):
        cocotb.start_soon(count_pulses(dut, signal, pulses))
    expected = {"start_o": 0, "clear_o": 0}
    for _ in range(1500):
        if rng.random() < 0.2:
            address = int(rng.integers(0, 1 << 12))
        else:
            address = int(rng.choice(known)) + int(rng.integers(0, 4))
        word = address & ~3
        if rng.random() < 0.5:
            data, strobe = int(rng.integers(0, 1 << 32)), int(rng.integers(0, 16))
            response = await master.write(address, data, strobe)
            assert response == (OKAY if word in WRITABLE else SLVERR), hex(address)
            if word in STORED:
                mask = lanes(strobe) & STORED[word]
                model[word] = model[word] & ~mask | data & mask
            if word == Reg.CTRL:
                ones = data & lanes(strobe)
                expected["clear_o"] += bool(ones & Ctrl.CLEAR)
                expected["start_o"] += ones & (Ctrl.START | Ctrl.CLEAR) == Ctrl.START
        else:
            data, response = await master.read(address)
            assert response == (OKAY if word in known else SLVERR), hex(address)
            if word in model:
                assert data == model[word], hex(address)
            elif word not in (Reg.ID, Reg.VERSION, Reg.CAPS0, Reg.CAPS1):
                assert data == 0, hex(address)
    await FallingEdge(dut.clk)
    assert pulses == expected
    assert dut.prog_len_o.value.to_unsigned() == model[Reg.PROG_LEN]
    assert dut.watchdog_o.value.to_unsigned() == model[Reg.WATCHDOG]
    address = model[Reg.PROG_ADDR_HI] << 32 | model[Reg.PROG_ADDR_LO]
    assert dut.prog_addr_o.value.to_unsigned() == address


@cocotb.test()
async def test_each_bit_of_each_register_by_each_strobe(dut):
    """What was there, and what is written, is all ones, all zeros or anything."""
    master = await start(dut, STALLS[0])
    rng = make_rng("strobes")
    for word, used in STORED.items():
        for strobe in range(16):
            for old, new in ((0, -1), (-1, 0), *rng.integers(0, 1 << 32, (4, 2)).tolist()):
                assert await master.write(word, old & 0xFFFFFFFF) == OKAY
                assert await master.write(word, new & 0xFFFFFFFF, strobe) == OKAY
                mask = lanes(strobe)
                assert await get(master, word) == (old & ~mask | new & mask) & used, hex(word)


@cocotb.test()
async def test_no_address_is_another_ones(dut):
    """A bit away from each register: a register of its own, or an error."""
    master = await start(dut, STALLS[0])
    for address in {word ^ 1 << bit for word in Reg for bit in range(2, 12)} - {*Reg}:
        assert await master.write(address, 0) == SLVERR, hex(address)
        _, response = await master.read(address)
        assert response == SLVERR, hex(address)


@cocotb.test()
async def test_data_waits_for_its_address(dut):
    """Data may come first; more of it waits until the first is written."""
    master = await start(dut, STALLS[0])
    dut.s_axil_wvalid.value, dut.s_axil_wstrb.value = 1, 0xF
    for data in (7, 9, 9):
        dut.s_axil_wdata.value = data
        await FallingEdge(dut.clk)
    assert not dut.s_axil_wready.value
    dut.s_axil_wvalid.value = 0
    dut.s_axil_awvalid.value, dut.s_axil_awaddr.value = 1, int(Reg.SCRATCH)
    dut.s_axil_bready.value = 1
    await FallingEdge(dut.clk)
    dut.s_axil_awvalid.value = 0
    for _ in range(4):
        await FallingEdge(dut.clk)
    assert await get(master, Reg.SCRATCH) == 7


@cocotb.test()
@cocotb.parametrize(stall=STALLS)
async def test_reads_and_writes_at_once(dut, stall):
    """The read and the write side do not disturb each other."""
    master = await start(dut, stall)

    async def reader():
        for _ in range(200):
            assert await get(master, Reg.ID) == regs.ID_VALUE

    task = cocotb.start_soon(reader())
    for value in range(200):
        assert await master.write(Reg.PROG_LEN, value) == OKAY
        assert dut.prog_len_o.value.to_unsigned() == value
    await task


@cocotb.test()
async def test_status_bits_follow_inputs(dut):
    master = await start(dut)
    levels = {"busy_i": Status.BUSY, "draining_i": Status.DRAINING,
              "matmul_busy_i": Status.MATMUL_BUSY, "vector_busy_i": Status.VECTOR_BUSY,
              "overflow_i": Status.OVERFLOW}
    for name, bit in levels.items():
        getattr(dut, name).value = 1
        assert await get(master, Reg.STATUS) == bit
        getattr(dut, name).value = 0
    assert await get(master, Reg.STATUS) == 0


@cocotb.test()
async def test_start_and_clear_in_one_write_is_a_clear(dut):
    master = await start(dut)
    pulses: dict[str, int] = {}
    for signal in ("start_o", "clear_o"):
        cocotb.start_soon(count_pulses(dut, signal, pulses))
    # The last one strobes neither bit.
    for data, strobe, seen in ((1, 15, (1, 0)), (2, 15, (0, 1)), (3, 15, (0, 1)), (3, 1, (0, 1)),
                               (0xFC, 15, (0, 0)), (3, 14, (0, 0))):
        pulses.update(start_o=0, clear_o=0)
        assert await master.write(Reg.CTRL, data, strobe) == OKAY
        await FallingEdge(dut.clk)
        assert (pulses["start_o"], pulses["clear_o"]) == seen, (data, strobe)


@cocotb.test()
async def test_done_is_cleared_by_start_and_clear(dut):
    master = await start(dut)
    for bit in (Ctrl.START, Ctrl.CLEAR):
        await pulse(dut, done_set_i=1)
        assert await get(master, Reg.STATUS) == Status.DONE
        await master.write(Reg.CTRL, bit)
        assert await get(master, Reg.STATUS) == 0


@cocotb.test()
async def test_first_error_is_kept_until_clear(dut):
    master = await start(dut)
    rng = make_rng("errors")

    async def error_registers():
        return [await get(master, register) for register in
                (Reg.ERR_CODE, Reg.ERR_INDEX, Reg.ERR_ADDR_LO, Reg.ERR_ADDR_HI)]

    for _ in range(10):
        code, index, address = (int(rng.integers(1, 1 << bits)) for bits in (8, 32, 63))
        await pulse(dut, err_valid_i=1, err_code_i=code, err_index_i=index, err_addr_i=address)
        await pulse(dut, err_valid_i=1, err_code_i=code ^ 1, err_index_i=index ^ 1,
                    err_addr_i=address ^ 1)
        await master.write(Reg.CTRL, Ctrl.START)
        expected = [code, index, address & 0xFFFFFFFF, address >> 32]
        assert await error_registers() == expected
        assert await get(master, Reg.STATUS) == Status.ERROR
        await master.write(Reg.CTRL, Ctrl.CLEAR)
        assert await error_registers() == [0, 0, 0, 0]
        assert await get(master, Reg.STATUS) == 0


@cocotb.test()
async def test_error_in_the_cycle_of_a_clear_is_kept(dut):
    master = await start(dut)
    await pulse(dut, err_valid_i=1, err_code_i=3)
    write = cocotb.start_soon(master.write(Reg.CTRL, Ctrl.CLEAR))
    while not dut.clear_o.value:
        await FallingEdge(dut.clk)
    await pulse(dut, err_valid_i=1, err_code_i=7)
    await write
    assert await get(master, Reg.ERR_CODE) == 7
    assert await get(master, Reg.STATUS) == Status.ERROR


@cocotb.test()
async def test_interrupts(dut):
    """Every enable against every event set; write 1 clears that bit only, unstrobed none."""
    master = await start(dut)
    sources = {"done_set_i": IrqStatus.DONE, "err_valid_i": IrqStatus.ERROR,
               "fence_set_i": IrqStatus.FENCE}
    for enable in range(8):
        await master.write(Reg.IRQ_ENABLE, enable)
        for events in range(8):
            await pulse(dut, **{name: 1 for name, bit in sources.items() if events & bit})
            assert await get(master, Reg.IRQ_STATUS) == events
            assert bool(dut.irq_o.value) == bool(events & enable)
            await master.write(Reg.IRQ_STATUS, 0x7, strobe=0xE)
            assert await get(master, Reg.IRQ_STATUS) == events
            left = events
            for bit in sources.values():
                await master.write(Reg.IRQ_STATUS, bit)
                left &= ~bit
                assert await get(master, Reg.IRQ_STATUS) == left
                assert bool(dut.irq_o.value) == bool(left & enable)


@cocotb.test()
async def test_event_in_the_cycle_of_its_clear_is_kept(dut):
    """Writes take the same cycles to every register: CTRL shows when IRQ_STATUS is written."""
    master = await start(dut)
    write = cocotb.start_soon(master.write(Reg.CTRL, Ctrl.CLEAR))
    delay = 0
    while not dut.clear_o.value:
        await FallingEdge(dut.clk)
        delay += 1
    await write
    for cycle, kept in ((delay - 1, False), (delay, True)):
        write = cocotb.start_soon(master.write(Reg.IRQ_STATUS, IrqStatus.FENCE))
        for _ in range(cycle):
            await FallingEdge(dut.clk)
        await pulse(dut, fence_set_i=1)
        await write
        assert await get(master, Reg.IRQ_STATUS) == (IrqStatus.FENCE if kept else 0)


@cocotb.test()
async def test_counters_count_and_restart(dut):
    master = await start(dut)
    rng = make_rng("counters")
    beat = int(os.environ["SAT_EXPECT"].split()[-1]) // 8
    for _ in range(3):
        totals = dict.fromkeys(regs.COUNTERS, 0)
        for cycle in range(300):
            dut.busy_i.value = 1  # its rise restarts the counters in the first cycle
            for name, pin in zip(regs.COUNTERS, INCREMENTS):
                step = int(rng.integers(0, beat + 1 if pin == "count_wr_bytes_i" else 2))
                getattr(dut, pin).value = step
                totals[name] += beat * step if pin == "count_rd_beat_i" else step
            await FallingEdge(dut.clk)
        for pin in INCREMENTS:
            getattr(dut, pin).value = 0
        dut.busy_i.value = 0
        await FallingEdge(dut.clk)
        for name, offset in regs.COUNTERS.items():
            assert await get(master, offset) == totals[name], name
            assert await get(master, offset + 4) == 0, name


@cocotb.test()
async def test_reset_in_mid_transfer(dut):
    """A reset between address and data leaves no half transfer behind."""
    master = await start(dut)
    await master.write(Reg.SCRATCH, 0x12345678)
    dut.s_axil_awaddr.value = int(Reg.SCRATCH)
    dut.s_axil_awvalid.value = 1
    await FallingEdge(dut.clk)
    dut.s_axil_awvalid.value = 0
    dut.rst_n.value = 0
    await FallingEdge(dut.clk)
    dut.rst_n.value = 1
    assert await get(master, Reg.SCRATCH) == 0
    assert await master.write(Reg.PROG_LEN, 5) == OKAY
    assert await get(master, Reg.PROG_LEN) == 5
    assert await get(master, Reg.SCRATCH) == 0
