# SPDX-License-Identifier: Apache-2.0
"""sat_vector_command: fields where spec/commands.yaml has them, and who begins."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from sat_golden.defs import Opcode, PruneFlag, UpdateFlag
from tb.common.clock import start
from tb.common.descriptor import field, random_descriptor, slots
from tb.common.lanes import unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

OPCODES = (Opcode.PRUNE, Opcode.UPDATE, Opcode.AFFINE, Opcode.STATS, Opcode.POOL)
SLOTS = 7


def expected_of(descriptor: int) -> dict[str, int]:
    """What PRUNE and UPDATE are told."""
    update = field(descriptor, "opcode") == Opcode.UPDATE
    flags = field(descriptor, "flags")
    assert PruneFlag.FF == UpdateFlag.FF and PruneFlag.BP == UpdateFlag.BP
    return {
        "update": update, "half": not update and bool(flags & PruneFlag.SRC_FP16),
        "decay_en": bool(flags & UpdateFlag.DECAY), "ff": bool(flags & UpdateFlag.FF),
        "bp": bool(flags & UpdateFlag.BP),
        "sample": not update and bool(flags & PruneFlag.SAMPLE),
        "m_log2": field(descriptor, "m").bit_length() - 1,
        **{name: field(descriptor, name) for name in ("n", "rows", "cols", "layer", "inv_scale",
                                                      "decay", "momentum", "lr")}}


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_random_descriptors(dut):
    rng = make_rng()
    await start(dut)
    addr_w, = parameters(dut, "ADDR_W")
    told, skipped, feature = None, 0, None
    for _ in range(1000):
        opcode = int(rng.choice(OPCODES))
        descriptor = random_descriptor(rng, opcode=opcode, m=1 << int(rng.integers(1, 5)))
        starts, latch = bool(rng.random() < 0.8), bool(rng.random() < 0.5)
        dut.start_i.value, dut.desc_i.value = int(starts), descriptor
        dut.overflow_latch_i.value = int(latch)
        await cocotb.triggers.ReadOnly()
        addresses, strides = slots(descriptor, SLOTS, addr_w)
        assert unpack(dut.base_o.value.to_unsigned(), addr_w, SLOTS) == addresses
        assert unpack(dut.stride_o.value.to_unsigned(), 24, SLOTS) == strides
        tiles = opcode in (Opcode.PRUNE, Opcode.UPDATE)
        skip = (opcode == Opcode.UPDATE and latch
                and bool(field(descriptor, "flags") & UpdateFlag.SKIP_ON_OVERFLOW))
        assert bool(dut.start_o.value) == (starts and tiles and not skip)
        assert bool(dut.feature_start_o.value) == (starts and not tiles)
        if starts:
            skipped += skip
            feature = not tiles
            if tiles and not skip:
                told = expected_of(descriptor)
        await FallingEdge(dut.clk)
        if feature is not None:
            assert bool(dut.feature_o.value) == feature
        if told:
            assert {name: int(dut[f"{name}_o"].value) for name in told} == told
    assert skipped
