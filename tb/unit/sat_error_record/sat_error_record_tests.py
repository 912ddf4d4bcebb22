# SPDX-License-Identifier: Apache-2.0
"""sat_error_record: every set of events in a cycle, in the order of docs/reference/commands.md."""

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from sat_golden.defs import DESC_BYTES, Error
from tb.common.clock import start
from tb.common.rng import make_rng

EVENTS = ("begins_i", "rd_err_i", "wr_err_i", "hang_i", "fetch_bad_i", "check_bad_i")
READ = [Error.READ_PROTOCOL, Error.READ_PROTOCOL, Error.READ_SLVERR, Error.READ_DECERR]
ROUNDS = 40


def bits(rng, count):
    """A number of any magnitude, with its largest and smallest often."""
    drawn = int.from_bytes(rng.bytes(8), "little") >> 64 - count
    return [0, (1 << count) - 1, drawn, 1 << int(rng.integers(count))][rng.integers(4)]


def draw(rng, addr_w):
    lines = addr_w - 7
    return {"prog_addr_i": bits(rng, lines) << 7 | bits(rng, 64 - addr_w) << addr_w,
            "rd_resp_i": bits(rng, 2), "rd_addr_i": bits(rng, addr_w), "wr_decerr_i": bits(rng, 1),
            "wr_addr_i": bits(rng, addr_w), "bus_index_i": bits(rng, 32),
            "hang_index_i": bits(rng, 32), "fetch_resp_i": bits(rng, 2),
            "fetch_addr_i": bits(rng, addr_w), "check_code_i": bits(rng, 8),
            "check_tensor_i": bits(rng, 1), "check_base_i": bits(rng, 64),
            "desc_index_i": bits(rng, 32)}


def recorded(events, i, base):
    """(code, index, address) after these events; None leaves what there was. `base`: address of the
    program."""
    def descriptor(index):
        return base + DESC_BYTES * index

    if "begins_i" in events:
        return Error.PROGRAM, 0, i["prog_addr_i"]
    if "hang_i" in events:  # which the sequencer gives if none of these goes first
        return Error.HANG, i["hang_index_i"], descriptor(i["hang_index_i"])
    if "rd_err_i" in events:
        return READ[i["rd_resp_i"]], i["bus_index_i"], i["rd_addr_i"]
    if "wr_err_i" in events:
        code = Error.WRITE_DECERR if i["wr_decerr_i"] else Error.WRITE_SLVERR
        return code, i["bus_index_i"], i["wr_addr_i"]
    if "fetch_bad_i" in events:
        return READ[i["fetch_resp_i"]], i["desc_index_i"], i["fetch_addr_i"]
    if "check_bad_i" in events:
        address = i["check_base_i"] if i["check_tensor_i"] else descriptor(i["desc_index_i"])
        return i["check_code_i"], i["desc_index_i"], address
    return None


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_order_of_events_in_a_cycle(dut):
    await start(dut, begins_i=1)
    rng, addr_w = make_rng("events"), int(dut.ADDR_W.value)
    base, record = 0, (Error.PROGRAM, 0, 0)
    sets = [{event for place, event in enumerate(EVENTS) if number >> place & 1}
            for number in range(1 << len(EVENTS))]
    sets = [events for events in sets
            if not {"begins_i", "hang_i"} <= events] * ROUNDS  # there is no program before
    for number in rng.permutation(len(sets)):
        events, inputs = sets[number], draw(rng, addr_w)
        for event in EVENTS:
            getattr(dut, event).value = int(event in events)
        for name, value in inputs.items():
            getattr(dut, name).value = value
        if "begins_i" in events:
            base = inputs["prog_addr_i"] & (1 << addr_w) - 1
        record = recorded(events, inputs, base) or record
        await FallingEdge(dut.clk)
        for event in EVENTS:
            getattr(dut, event).value = 0
        for _ in range(int(rng.integers(1, 4))):  # it is there at once, and holds
            await ReadOnly()
            seen = (dut.code_o.value.to_unsigned(), dut.index_o.value.to_unsigned(),
                    dut.addr_o.value.to_unsigned())
            assert seen == record, (events, inputs)
            await FallingEdge(dut.clk)
            for name, value in draw(rng, addr_w).items():
                getattr(dut, name).value = value
