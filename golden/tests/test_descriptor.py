# SPDX-License-Identifier: Apache-2.0
"""Descriptors: their bytes, and each check in its documented order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat_golden.defs import (
    Error,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PruneFlag,
    PruneSlot,
    UpdateFlag,
    UpdateSlot,
)
from sat_golden.descriptor import Descriptor, Fault, Slot, check

AT = 0x1000  # the descriptor's own address
TOP = 1 << 40

MATMUL = Descriptor(
    Opcode.MATMUL, 2, 8, rows=10, cols=33, depth=20,
    flags=MatmulFlag.BIAS | MatmulFlag.RESIDUAL | MatmulFlag.MASK | 7 << 8,
    slots={
        MatmulSlot.A: Slot(0x10000, 64),
        MatmulSlot.S_VALUES: Slot(0x20000, 128),
        MatmulSlot.S_INDICES: Slot(0x30000, 64),
        MatmulSlot.C: Slot(0x40000, 128),
        MatmulSlot.BIAS: Slot(0x50000, 0),
        MatmulSlot.RESIDUAL: Slot(0x60000, 128),
        MatmulSlot.MASK: Slot(0x70000, 128),
    },
)
PRUNE = Descriptor(
    Opcode.PRUNE, 1, 4, rows=20, cols=33, flags=PruneFlag.FF | PruneFlag.BP,
    slots={
        PruneSlot.W: Slot(0x10000, 192),
        PruneSlot.FF_VALUES: Slot(0x20000, 128),
        PruneSlot.FF_INDICES: Slot(0x30000, 64),
        PruneSlot.BP_VALUES: Slot(0x40000, 64),
        PruneSlot.BP_INDICES: Slot(0x50000, 64),
    },
)
UPDATE = replace(
    PRUNE, opcode=Opcode.UPDATE, inv_scale=1, decay=2, momentum=3, lr=4,
    flags=UpdateFlag.FF | UpdateFlag.BP | UpdateFlag.DECAY | UpdateFlag.SKIP_ON_OVERFLOW,
    slots=PRUNE.slots | {UpdateSlot.V: Slot(0x60000, 192), UpdateSlot.DW: Slot(0x70000, 192)},
)
FENCE = Descriptor(Opcode.FENCE, flags=FenceFlag.IRQ)
LEGAL = {"MATMUL": MATMUL, "PRUNE": PRUNE, "UPDATE": UPDATE, "FENCE": FENCE}


def with_slot(desc: Descriptor, number: int, **change: int) -> Descriptor:
    return replace(desc, slots=desc.slots | {number: replace(desc.slot(number), **change)})


def without_slots(desc: Descriptor, *numbers: int) -> Descriptor:
    return replace(desc, slots={k: v for k, v in desc.slots.items() if k not in numbers})


def with_word(desc: Descriptor, word: int, bits: int) -> bytes:
    """Its bytes with bits of a word set that no field can set."""
    data = bytearray(desc.pack())
    old = int.from_bytes(data[4 * word : 4 * word + 4], "little")
    data[4 * word : 4 * word + 4] = (old | bits).to_bytes(4, "little")
    return bytes(data)


def verdict(desc: Descriptor | bytes, addr_w: int = 40) -> tuple[Error, int]:
    try:
        check(desc if isinstance(desc, bytes) else desc.pack(), AT, addr_w)
    except Fault as fault:
        return fault.code, fault.address
    return Error.NONE, 0


@pytest.mark.parametrize("desc", LEGAL.values(), ids=LEGAL.keys())
def test_legal_descriptors_pass(desc):
    assert verdict(desc) == (Error.NONE, 0)
    assert len(desc.pack()) == 128
    assert Descriptor.unpack(desc.pack()) == desc


@given(st.builds(
    Descriptor, st.sampled_from(Opcode), st.integers(0, 31), st.integers(0, 31), st.booleans(),
    st.integers(0, 2**32 - 1), st.integers(0, 65535), st.integers(0, 65535),
    decay=st.integers(0, 2**32 - 1), momentum=st.integers(0, 2**32 - 1),
    slots=st.dictionaries(st.integers(0, 7), st.builds(
        Slot, st.integers(1, 2**64 - 1), st.integers(0, 2**32 - 1))),
))
def test_pack_and_unpack_are_inverse(desc):
    assert Descriptor.unpack(desc.pack()) == desc


def test_fields_lie_where_documented():
    words = UPDATE.words()
    assert words[0] == 3 | 1 << 8 | 4 << 16
    assert words[1] == 0b11011
    assert words[2:8] == [20, 33, 1, 2, 3, 4]
    high = with_slot(UPDATE, 1, address=0x12_3456_7840).words()
    assert high[11:14] == [0x34567840, 0x12, 192]
    assert replace(FENCE, overlap=True).words()[0] == 4 | 1 << 24


@pytest.mark.parametrize("opcode", [0, 5, 255])
def test_unknown_opcode(opcode):
    assert verdict(replace(MATMUL, opcode=opcode)) == (Error.OPCODE, AT)


RESERVED = [
    *[(name, with_word(desc, 0, 1 << bit)) for name, desc in LEGAL.items()
      for bit in (13, 15, 21, 25, 31)],
    *[("MATMUL flags", with_word(MATMUL, 1, 1 << bit)) for bit in (6, 7, 11, 31)],
    *[("PRUNE flags", with_word(PRUNE, 1, 1 << bit)) for bit in (3, 4, 31)],
    *[("UPDATE flags", with_word(UPDATE, 1, 1 << bit)) for bit in (2, 5, 31)],
    *[("FENCE flags", with_word(FENCE, 1, 1 << bit)) for bit in (1, 31)],
    *[("MATMUL word", with_word(MATMUL, word, 1 << 31)) for word in (5, 6, 7)],
    *[("PRUNE word", with_word(PRUNE, word, 1)) for word in (4, 5, 6, 7)],
    *[("FENCE word", with_word(FENCE, word, 1)) for word in range(2, 32)],
    ("decay without its flag", replace(UPDATE, flags=UPDATE.flags & ~UpdateFlag.DECAY).pack()),
    ("FENCE n", replace(FENCE, n=1).pack()),
    ("FENCE m", replace(FENCE, m=2).pack()),
    ("FENCE overlap", replace(FENCE, overlap=True).pack()),
    *[("MATMUL slot 7", with_word(MATMUL, word, 64)) for word in (29, 30, 31)],
    *[("PRUNE slots 1, 2, 7", with_word(PRUNE, word, 64)) for word in (11, 12, 13, 14, 16, 29)],
    *[("UPDATE slot 7", with_word(UPDATE, word, 64)) for word in (29, 30, 31)],
    ("bias stride", with_slot(MATMUL, MatmulSlot.BIAS, stride=64).pack()),
    *[("slot without its flag", replace(MATMUL, flags=MATMUL.flags & ~flag).pack())
      for flag in (MatmulFlag.BIAS, MatmulFlag.RESIDUAL, MatmulFlag.MASK)],
    *[("plane without its flag", replace(desc, flags=desc.flags & ~flag).pack())
      for desc in (PRUNE, UPDATE) for flag in (PruneFlag.FF, PruneFlag.BP)],
    ("dense MATMUL with indices", replace(MATMUL, n=8).pack()),
    ("dense PRUNE with indices", replace(PRUNE, n=4).pack()),
    ("PRUNE of nothing", replace(without_slots(PRUNE, 3, 4, 5, 6), flags=0).pack()),
]


@pytest.mark.parametrize("data", [data for _, data in RESERVED],
                         ids=[f"{i}-{name}" for i, (name, _) in enumerate(RESERVED)])
def test_reserved_bits_and_unused_slots(data):
    assert verdict(data) == (Error.FLAGS, AT)


def test_update_without_copies_is_legal():
    bare = replace(without_slots(UPDATE, 3, 4, 5, 6),
                   flags=UPDATE.flags & ~(UpdateFlag.FF | UpdateFlag.BP))
    assert verdict(bare) == (Error.NONE, 0)
    assert verdict(replace(bare, m=3)) == (Error.NM, AT)


@pytest.mark.parametrize("n, m", [(0, 8), (9, 8), (1, 0), (1, 1), (1, 3), (2, 6), (1, 17), (31, 8)])
@pytest.mark.parametrize("desc", [MATMUL, PRUNE, UPDATE], ids=["MATMUL", "PRUNE", "UPDATE"])
def test_illegal_ratio(desc, n, m):
    if n == m:
        desc = without_slots(desc, 2 if desc is MATMUL else 4, 6)
    assert verdict(replace(desc, n=n, m=m)) == (Error.NM, AT)


@pytest.mark.parametrize("name, word", [("rows", 2), ("cols", 3), ("depth", 4)])
def test_sizes(name, word):
    assert verdict(replace(MATMUL, **{name: 0})) == (Error.SIZE, AT)
    assert verdict(with_word(MATMUL, word, 1 << 16)) == (Error.SIZE, AT)
    if name != "depth":
        assert verdict(replace(UPDATE, **{name: 0})) == (Error.SIZE, AT)
        assert verdict(with_word(PRUNE, word, 1 << 31)) == (Error.SIZE, AT)


@pytest.mark.parametrize("number", range(7))
def test_slot_checks(number):
    base = MATMUL.slot(number).address
    assert verdict(with_slot(MATMUL, number, address=base + 32)) == (Error.ALIGN, base + 32)
    assert verdict(with_slot(MATMUL, number, address=TOP)) == (Error.RANGE, TOP)
    assert verdict(with_slot(MATMUL, number, address=TOP - 64)) == (Error.RANGE, TOP - 64)
    assert verdict(with_slot(MATMUL, number, address=1 << 63)) == (Error.RANGE, 1 << 63)
    if number != MatmulSlot.BIAS:
        for stride, code in ((16, Error.ALIGN), (0, Error.STRIDE), (1 << 24, Error.STRIDE)):
            assert verdict(with_slot(MATMUL, number, stride=stride)) == (code, base)


def test_last_byte_of_the_address_space_is_usable():
    """C is 10 rows of 66 bytes, 128 apart: it ends 62 bytes before its last stride does."""
    last = TOP - 10 * 128
    assert verdict(with_slot(MATMUL, MatmulSlot.C, address=last)) == (Error.NONE, 0)
    assert verdict(with_slot(MATMUL, MatmulSlot.C, address=last + 64)) == (Error.RANGE, last + 64)
    assert verdict(with_slot(MATMUL, MatmulSlot.C, address=1 << 32), addr_w=32) == (
        Error.RANGE, 1 << 32)


def test_largest_stride_is_legal():
    assert verdict(with_slot(MATMUL, MatmulSlot.C, stride=(1 << 24) - 64)) == (Error.NONE, 0)


def test_checks_come_in_order():
    """Each fault is added before the later ones are removed: the earliest decides."""
    bad = with_slot(with_slot(MATMUL, 0, address=32, stride=0), 1, address=16)
    assert verdict(bad) == (Error.ALIGN, 32)
    assert verdict(with_slot(bad, 0, address=64)) == (Error.STRIDE, 64)
    assert verdict(with_slot(bad, 0, address=TOP, stride=64)) == (Error.RANGE, TOP)
    assert verdict(with_slot(bad, 0, address=64, stride=64)) == (Error.ALIGN, 16)
    bad = replace(bad, rows=0)
    assert verdict(bad) == (Error.SIZE, AT)
    bad = replace(bad, n=9)
    assert verdict(bad) == (Error.NM, AT)
    bad = replace(bad, flags=bad.flags | 1 << 6)
    assert verdict(bad) == (Error.FLAGS, AT)
    bad = replace(bad, opcode=9)
    assert verdict(bad) == (Error.OPCODE, AT)


def test_unpackable_values_are_named():
    with pytest.raises(ValueError, match="^rows:"):
        replace(MATMUL, rows=65536).pack()
    with pytest.raises(ValueError, match=r"^slots\[0\].stride:"):
        with_slot(MATMUL, 0, stride=1 << 32).pack()
    with pytest.raises(ValueError, match="^slots:"):
        with_slot(MATMUL, 8, stride=64).pack()
