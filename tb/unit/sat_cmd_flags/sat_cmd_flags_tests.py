# SPDX-License-Identifier: Apache-2.0
"""sat_cmd_flags against the golden flags check: legal words, and each bit set where it may not."""

import cocotb
from cocotb.triggers import FallingEdge

from sat_golden.checks import flags_legal
from sat_golden.defs import DESC_BYTES, LEGAL_FLAGS, Opcode
from sat_golden.descriptor import Descriptor, unpack_words
from sat_golden.tensors import tensors_of
from tb.common.clock import start
from tb.common.rng import make_rng

BITS = 8 * DESC_BYTES
SLOT_WORD, SLOT_WORDS = 8, 3


def slots_of(data):
    """(slots in use, those with a vector) as sat_cmd_shape gives them."""
    desc = Descriptor.unpack(data)
    stand_in = Descriptor(desc.opcode, n=1, m=1 if desc.n == desc.m else 2, flags=desc.flags,
                          rows=1, cols=1, depth=1, map_h=1, map_w=1, out_h=1, out_w=1, kernel_h=1,
                          kernel_w=1)
    tensors = tensors_of(stand_in)
    return (sum(1 << tensor.slot for tensor in tensors),
            sum(1 << tensor.slot for tensor in tensors if tensor.vector))


async def compare(dut, value):
    """Returns whether the descriptor is legal, on which both agree."""
    data = value.to_bytes(DESC_BYTES, "little")
    used, vectors = slots_of(data)
    dut.desc_i.value, dut.used_i.value, dut.vectors_i.value = value, used, vectors
    await FallingEdge(dut.clk)
    legal = flags_legal(unpack_words(data), Descriptor.unpack(data))
    assert bool(dut.bad_o.value) != legal, data.hex()
    return legal


@cocotb.test()
@cocotb.parametrize(opcode=[code.name for code in Opcode])
async def test_bits(dut, opcode):
    """For random flags and N:M: each bit alone, and all bits that may be set."""
    rng = make_rng(opcode)
    await start(dut)
    opcode = Opcode[opcode]
    for _ in range(12):
        flags = int(rng.integers(1 << 11)) & LEGAL_FLAGS[opcode]
        head = Descriptor(opcode, flags=flags,
                          n=1, m=int(rng.choice([1, 4])) if opcode != Opcode.FENCE else 0)
        if opcode in (Opcode.FENCE, Opcode.AFFINE, Opcode.STATS, Opcode.POOL):
            head = Descriptor(opcode, flags=flags)
        plain = int.from_bytes(head.pack(), "little")
        if not await compare(dut, plain):  # a flag is missing
            continue
        may = 0
        for bit in range(32 + 11, BITS):
            may |= (await compare(dut, plain ^ 1 << bit)) << bit
        assert await compare(dut, plain | may)
        await compare(dut, plain | may | 1 << int(rng.integers(64, BITS)))
