# SPDX-License-Identifier: Apache-2.0
"""sat_cmd_check against the golden checks: legal descriptors, each rule broken, random damage."""

from collections import Counter
from dataclasses import replace

import cocotb
from cocotb.triggers import FallingEdge

from sat_golden import Windows
from sat_golden.checks import Fault, check
from sat_golden.defs import (
    DESC_BYTES,
    SIZE_MAX,
    WINDOW_FIELDS,
    Error,
    MatmulFlag,
    MatmulSlot,
    Opcode,
)
from sat_golden.descriptor import Descriptor, Slot, aligned
from sat_golden.tensors import Tensor, tensors_of
from tb.common.clock import start
from tb.common.rng import make_rng
from tb.unit.sat_cmd_check.descriptors import SIDE_MAX, damage, random_legal

DESC_ADDR = 0x1_2345_6780
MOST_CYCLES = 41
WINDOW_CYCLES = 8  # more


async def verdict(dut, data):
    """(code, address) that the device finds; the address of a legal descriptor is zero."""
    dut.desc_i.value = int.from_bytes(data, "little")
    dut.start_i.value = 1
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    cycles = MOST_CYCLES + WINDOW_CYCLES * Descriptor.unpack(data).has_windows
    for _ in range(cycles):
        await FallingEdge(dut.clk)
        if dut.done_o.value:
            break
    else:
        raise AssertionError(f"no verdict in {cycles} cycles")
    await FallingEdge(dut.clk)
    code = dut.code_o.value.to_unsigned()
    if code == Error.NONE:
        return Error.NONE, 0
    return code, dut.base_o.value.to_unsigned() if dut.tensor_o.value else DESC_ADDR


def expected(data, addr_w):
    try:
        check(data, DESC_ADDR, addr_w)
    except Fault as fault:
        return fault.code, fault.address
    return Error.NONE, 0


async def compare(dut, data, seen):
    want = expected(data, int(dut.ADDR_W.value))
    got = await verdict(dut, data)
    seen[Error(want[0])] += 1
    assert got == want, f"{got} instead of {want}: {Descriptor.unpack(data)} = {data.hex()}"


@cocotb.test()
async def test_operands_that_meet_the_result_before(dut):
    """A, and the planes of S, next to what the MATMUL checked before writes, byte by byte of 64;
    other commands come in between."""
    rng = make_rng("meets")
    await start(dut)
    addr_w = int(dut.ADDR_W.value)
    written: list[Tensor] = []  # by the MATMUL before
    seen: Counter[tuple[bool, bool, bool]] = Counter()
    for _ in range(600):
        desc = replace(random_legal(rng, addr_w, Opcode.MATMUL), rows=int(rng.integers(1, 9)),
                       cols=int(rng.integers(1, 70)), depth=int(rng.integers(1, 9)))
        desc = replace(desc, flags=desc.flags & ~MatmulFlag.CONV,
                       **dict.fromkeys(Windows(1, 1, 1, 1, 1).fields(), 0) | {"rows": desc.rows})
        slots = {}
        for tensor in tensors_of(desc):
            stride = 0 if tensor.vector else aligned(tensor.row_bytes)
            base = int(rng.integers((1 << addr_w - 6) - (1 << 18))) * 64
            if written and rng.random() < 0.7:  # behind, on the last line of, or just before it
                span = (tensor.rows - 1) * stride + tensor.row_bytes
                before = written[rng.integers(len(written))]
                edge = before.end + 63 if rng.integers(2) else before.address - span + 63
                base = max(0, edge // 64 + int(rng.integers(-1, 2))) * 64
            slots[tensor.slot] = Slot(base, stride)
        desc = replace(desc, slots=slots)
        assert await verdict(dut, desc.pack()) == (Error.NONE, 0)
        tensors = {tensor.slot: tensor for tensor in tensors_of(desc)}
        if written:
            meets = {slot: any(tensor.address < before.end and before.address < tensor.end
                               for before in written) for slot, tensor in tensors.items()}
            want = (meets[MatmulSlot.A], meets[MatmulSlot.S_VALUES]
                    or meets.get(MatmulSlot.S_INDICES, False))
            assert (bool(dut.a_meets_o.value), bool(dut.s_meets_o.value)) == want, desc
            seen[(*want, len(written) == 2)] += 1
        written = [tensor for tensor in tensors.values() if tensor.written]
        if rng.random() < 0.3:
            await verdict(dut, random_legal(rng, addr_w, Opcode.AFFINE).pack())
    assert len(seen) == 8 and min(seen.values()) > 10, seen


def spoil_windows(rng, desc):
    """One side as large as it can be, one more than that, or zero."""
    name = str(rng.choice(["rows", "depth", *WINDOW_FIELDS[:6]])).lower()
    image = desc.rows * max(desc.map_h * desc.map_w, desc.out_h * desc.out_w)
    kept = {"depth": desc.windows.positions, "rows": image // desc.rows,
            "map_h": desc.rows * desc.map_w, "map_w": desc.rows * desc.map_h,
            "out_h": desc.rows * desc.out_w, "out_w": desc.rows * desc.out_h}
    most = SIZE_MAX // kept[name] if name in kept else 15
    value = int(rng.choice([0, most, most + 1, rng.integers(16)]))
    field = SIZE_MAX if name in ("rows", "depth") else SIDE_MAX if name in kept else 15
    return replace(desc, **{name: min(value, field)})


def spoil(rng, desc):
    """One field, or one tensor, next to what is legal."""
    choice = rng.integers(8)
    if choice == 0:
        return replace(desc, n=int(rng.integers(32)))
    if choice == 1:
        return replace(desc, m=int(rng.integers(32)))
    if choice == 2:
        return replace(desc, **{str(rng.choice(["rows", "cols", "depth"])): 0})
    if choice == 3:
        return replace(desc, opcode=int(rng.choice([0, len(Opcode) + 1, 255, *Opcode])))
    if choice == 4 and desc.has_windows:
        return spoil_windows(rng, desc)
    number = int(rng.choice(list(desc.slots))) if desc.slots else int(rng.integers(8))
    slot = desc.slot(number)
    if choice == 5:
        address = slot.address + int(rng.choice([1, 32, 64, 128, 1 << 34, 1 << 40, 1 << 63]))
        slot = replace(slot, address=address & (1 << 64) - 1)
    elif choice == 6:
        step = int(rng.choice([-64, -1, 1, 64, 1 << 24, 1 << 31]))
        slot = replace(slot, stride=max(0, slot.stride + step) & 0xFFFFFFFF)
    else:
        number, slot = int(rng.integers(8)), Slot(64 * int(rng.integers(2)), 64)
    return replace(desc, slots={**desc.slots, number: slot})


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_legal_descriptors_pass(dut):
    await start(dut)
    rng = make_rng("descriptors")
    seen: Counter[Error] = Counter()
    for opcode in [*Opcode] * 100:
        await compare(dut, random_legal(rng, int(dut.ADDR_W.value), opcode).pack(), seen)
    assert list(seen) == [Error.NONE]


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_spoilt_descriptors_agree_with_golden(dut):
    await start(dut)
    rng = make_rng("descriptors")
    seen: Counter[Error] = Counter()
    addr_w = int(dut.ADDR_W.value)
    for _ in range(1500):
        await compare(dut, spoil(rng, random_legal(rng, addr_w)).pack(), seen)
    for _ in range(600):
        opcode = Opcode.POOL if rng.random() < 0.4 else Opcode.MATMUL
        desc = random_legal(rng, addr_w, opcode)
        if desc.has_windows:
            await compare(dut, spoil_windows(rng, desc).pack(), seen)
    missing = set(range(Error.OPCODE, Error.RANGE + 1)) - set(seen)
    assert not missing, f"codes never seen: {missing}"


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_damaged_descriptors_agree_with_golden(dut):
    await start(dut)
    rng = make_rng("descriptors")
    seen: Counter[Error] = Counter()
    addr_w = int(dut.ADDR_W.value)
    for _ in range(1500):
        await compare(dut, damage(rng, random_legal(rng, addr_w).pack()), seen)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def test_each_tensor_at_the_end_of_memory(dut):
    """Up to the last byte of the address space, a line further, and that a power of two before."""
    await start(dut)
    rng = make_rng("descriptors")
    seen: Counter[Error] = Counter()
    addr_w = int(dut.ADDR_W.value)
    for opcode in [code for code in Opcode if code != Opcode.FENCE] * 60:
        desc = random_legal(rng, addr_w, opcode)
        for tensor in tensors_of(desc):
            stride = desc.slot(tensor.slot).stride
            size = (tensor.rows - 1) * stride + tensor.row_bytes
            last = ((1 << addr_w) - size) // 64 * 64
            before = 64 << int(rng.integers(max(1, (last // 64).bit_length())))
            for address in (last, last + 64, max(0, last + 64 - before)):
                slots = {**desc.slots, tensor.slot: Slot(address, stride)}
                await compare(dut, replace(desc, slots=slots).pack(), seen)
    assert set(seen) == {Error.NONE, Error.RANGE} and seen[Error.NONE] == 2 * seen[Error.RANGE]


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_each_bit_of_a_zero_descriptor(dut):
    """Every reserved bit of every command, of MATMUL with and without windows."""
    await start(dut)
    seen: Counter[Error] = Counter()
    for opcode, flags in [*((opcode, 0) for opcode in Opcode), (Opcode.MATMUL, MatmulFlag.CONV)]:
        for bit in range(8, 8 * DESC_BYTES):
            data = (opcode | flags << 32 | 1 << bit).to_bytes(DESC_BYTES, "little")
            await compare(dut, data, seen)
