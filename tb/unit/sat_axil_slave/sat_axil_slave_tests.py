# SPDX-License-Identifier: Apache-2.0
"""sat_axil_slave with all five channels driven independently, so that transfers queue up."""

import cocotb
from cocotb.triggers import FallingEdge, Timer

from tb.common.axil import OKAY, SLVERR
from tb.common.clock import start
from tb.common.rng import make_rng

TRANSFERS = 400


class Source:
    """Offers its beats in order, each after a random wait and until it is taken."""

    def __init__(self, rng, stall, beats):
        self.rng, self.stall, self.beats, self.taken, self.valid = rng, stall, beats, 0, False

    def offer(self):
        """The beat on offer in this cycle, or None."""
        if self.taken == len(self.beats):
            return None
        self.valid = self.valid or self.rng.random() >= self.stall
        return self.beats[self.taken] if self.valid else None

    def clock(self, ready):
        if self.valid and ready:
            self.taken += 1
            self.valid = False


def register(address):
    """What the register file answers: any word, and a refusal for every third one."""
    return (address * 0x9E3779B1 ^ 0x5A5A5A5A) & 0xFFFFFFFF, address // 4 % 3 != 0


def held_address(signal):
    """Address that the slave holds; unknown before the first transfer, and then not looked at."""
    return signal.value.to_unsigned() if signal.value.is_resolvable else 0


def response(address):
    return OKAY if register(address)[1] else SLVERR


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.8], ready_stall=[0.0, 0.3, 0.8])
async def test_queued_transfers_are_answered_in_order(dut, stall, ready_stall):
    await start(dut)
    rng = make_rng("transfers")
    draw = [[int(rng.integers(limit)) for limit in (1 << 12, 1 << 32, 16, 1 << 12)]
            for _ in range(TRANSFERS)]
    writes = [(address, data, strobe) for address, data, strobe, _ in draw]
    reads = [address for *_, address in draw]
    address_source = Source(rng, stall, [address for address, _, _ in writes])
    data_source = Source(rng, stall, [(data, strobe) for _, data, strobe in writes])
    read_source = Source(rng, stall, reads)
    acted: list[tuple[int, ...]] = []
    b_beats: list[tuple[int, ...]] = []
    r_beats: list[tuple[int, ...]] = []
    waiting: dict[str, tuple[int, ...]] = {}
    cycles = 0
    while len(b_beats) < TRANSFERS or len(r_beats) < TRANSFERS:
        cycles += 1
        assert cycles < 100 * TRANSFERS, "transfers are lost"
        address, data, read = (source.offer() for source in
                               (address_source, data_source, read_source))
        dut.s_axil_awvalid.value = int(address is not None)
        dut.s_axil_awaddr.value = address or 0
        dut.s_axil_wvalid.value = int(data is not None)
        dut.s_axil_wdata.value, dut.s_axil_wstrb.value = data or (0, 0)
        dut.s_axil_arvalid.value = int(read is not None)
        dut.s_axil_araddr.value = read or 0
        ready = [rng.random() >= ready_stall for _ in range(2)]
        dut.s_axil_bready.value, dut.s_axil_rready.value = map(int, ready)
        # The register file, combinational from the addresses that the slave holds.
        dut.write_ok_i.value = int(register(held_address(dut.write_addr_o))[1])
        read_data, read_ok = register(held_address(dut.read_addr_o))
        dut.read_data_i.value = read_data
        dut.read_ok_i.value = int(read_ok)
        await Timer(1, unit="ns")
        if dut.write_fire_o.value:
            acted.append(tuple(signal.value.to_unsigned() for signal in
                               (dut.write_addr_o, dut.write_data_o, dut.write_strb_o)))
        for valid, taken, payload, beats in (
                (dut.s_axil_bvalid, ready[0], (dut.s_axil_bresp,), b_beats),
                (dut.s_axil_rvalid, ready[1], (dut.s_axil_rdata, dut.s_axil_rresp), r_beats)):
            held = waiting.pop(valid._name, None)
            if not valid.value:
                assert held is None, "a waiting beat was taken back"
                continue
            beat = tuple(signal.value.to_unsigned() for signal in payload)
            assert held in (None, beat), "a waiting beat changed"
            if taken:
                beats.append(beat)
            else:
                waiting[valid._name] = beat
        address_source.clock(dut.s_axil_awready.value)
        data_source.clock(dut.s_axil_wready.value)
        read_source.clock(dut.s_axil_arready.value)
        await FallingEdge(dut.clk)
    assert acted == writes
    assert b_beats == [(response(address),) for address, _, _ in writes]
    assert r_beats == [(register(address)[0], response(address)) for address in reads]
    if stall == ready_stall == 0.0:
        assert cycles < 2 * TRANSFERS + 10, "slower than one transfer every two cycles"
