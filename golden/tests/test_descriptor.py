# SPDX-License-Identifier: Apache-2.0
"""Descriptors: their bytes, and each check in its documented order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat_golden import Windows, compressed_rows
from sat_golden.checks import Fault, check
from sat_golden.compress import LEGAL_M
from sat_golden.defs import (
    COLS_MAX,
    SIZE_MAX,
    WINDOW_FIELDS,
    AffineFlag,
    AffineSlot,
    Error,
    FenceFlag,
    MatmulFlag,
    MatmulSlot,
    Opcode,
    PoolFlag,
    PoolSlot,
    PruneFlag,
    PruneSlot,
    StatsFlag,
    StatsSlot,
    UpdateFlag,
    UpdateSlot,
)
from sat_golden.descriptor import Descriptor, Slot, field_range
from sat_golden.tensors import tensors_of

AT = 0x1000  # the descriptor's own address
TOP = 1 << 40

MATMUL = Descriptor(
    Opcode.MATMUL, 2, 8, rows=10, cols=33, depth=20,
    flags=MatmulFlag.BIAS | MatmulFlag.RESIDUAL | MatmulFlag.MASK | MatmulFlag.SUMS | 7 << 8,
    slots={
        MatmulSlot.A: Slot(0x10000, 64),
        MatmulSlot.S_VALUES: Slot(0x20000, 128),
        MatmulSlot.S_INDICES: Slot(0x30000, 64),
        MatmulSlot.C: Slot(0x40000, 128),
        MatmulSlot.BIAS: Slot(0x50000, 0),
        MatmulSlot.RESIDUAL: Slot(0x60000, 128),
        MatmulSlot.MASK: Slot(0x70000, 128),
        MatmulSlot.SUMS: Slot(0x80000, 192),
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
WINDOWS = Windows(2, 5, 6, 4, 3, 3, 2, step_log2=1, dilation_log2=2, upsample_log2=3, pad_top=-7,
                  pad_left=15)  # 60 pixels, 24 windows, 6 positions
# Slots as in MATMUL: a stride is enough for 33 columns, or for 20 channels.
CONV = replace(MATMUL, flags=MATMUL.flags | MatmulFlag.CONV, **WINDOWS.fields())
CONV_TRANS = replace(CONV, flags=CONV.flags | MatmulFlag.A_TRANS)
AFFINE = Descriptor(
    Opcode.AFFINE, rows=10, cols=33, flags=AffineFlag.SECOND | AffineFlag.RELU,
    slots={
        AffineSlot.X: Slot(0x10000, 128),
        AffineSlot.Y: Slot(0x20000, 128),
        AffineSlot.OUT: Slot(0x30000, 128),
        AffineSlot.ALPHA: Slot(0x40000, 0),
        AffineSlot.BETA: Slot(0x50000, 0),
        AffineSlot.GAMMA: Slot(0x60000, 0),
    },
)
STATS = Descriptor(
    Opcode.STATS, rows=10, cols=33, flags=StatsFlag.SECOND,
    slots={
        StatsSlot.X: Slot(0x10000, 128),
        StatsSlot.Y: Slot(0x20000, 128),
        StatsSlot.SUM: Slot(0x30000, 0),
        StatsSlot.DOT: Slot(0x40000, 0),
    },
)
POOL = Descriptor(
    Opcode.POOL, cols=33, **WINDOWS.fields(),
    slots={
        PoolSlot.X: Slot(0x10000, 128),
        PoolSlot.OUT: Slot(0x20000, 128),
        PoolSlot.WINNER: Slot(0x30000, 64),
    },
)
POOL_BACK = replace(POOL, flags=PoolFlag.BACKWARD)
LEGAL = {
    "MATMUL": MATMUL, "PRUNE": PRUNE, "UPDATE": UPDATE, "FENCE": FENCE, "CONV": CONV,
    "CONV_TRANS": CONV_TRANS, "AFFINE": AFFINE, "STATS": STATS, "POOL": POOL,
    "POOL_BACK": POOL_BACK,
}


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
    st.integers(0, 2**32 - 1), st.integers(0, SIZE_MAX), st.integers(0, COLS_MAX),
    slots=st.dictionaries(st.integers(0, 7), st.builds(
        Slot, st.integers(1, 2**64 - 1), st.integers(0, 2**32 - 1))),
), st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3), st.randoms(use_true_random=False))
def test_pack_and_unpack_are_inverse(desc, scalars, drawn):
    """Words 5..7 hold scalars, or windows."""
    if desc.has_windows:
        words = {name.lower(): drawn.randint(*field_range(name)) for name in WINDOW_FIELDS}
    else:
        words = dict(zip(("decay", "momentum", "lr"), scalars))
    desc = replace(desc, **words)
    assert Descriptor.unpack(desc.pack()) == desc


def test_fields_lie_where_documented():
    words = UPDATE.words()
    assert words[0] == 3 | 1 << 8 | 4 << 16
    assert words[1] == 0b11011
    assert words[2:8] == [20, 33, 1, 2, 3, 4]
    high = with_slot(UPDATE, 1, address=0x12_3456_7840).words()
    assert high[11:14] == [0x34567840, 0x12, 192]
    assert replace(FENCE, overlap=True).words()[0] == 4 | 1 << 24
    for desc in (CONV, POOL):
        assert desc.words()[2] == 2
        assert desc.words()[5:8] == [5 | 6 << 16, 4 | 3 << 16, 0xFF93923]
        assert desc.windows == WINDOWS


def shapes(desc: Descriptor) -> dict[int, tuple[int, int]]:
    return {tensor.slot: (tensor.rows, tensor.cols) for tensor in tensors_of(desc)}


@pytest.mark.parametrize("desc, expected", [
    (Descriptor(Opcode.MATMUL, 2, 8, rows=5, cols=7, depth=17),
     {0: (5, 17, 16, "r"), 1: (6, 7, 16, "r"), 2: (6, 7, 4, "r"), 3: (5, 7, 16, "w")}),
    (Descriptor(Opcode.MATMUL, 8, 8, rows=5, cols=7, depth=17, flags=0b111111),
     {0: (17, 5, 16, "r"), 1: (17, 7, 16, "r"), 3: (5, 7, 32, "w"), 4: (1, 7, 32, "rv"),
      5: (5, 7, 32, "r"), 6: (5, 7, 16, "r")}),
    (Descriptor(Opcode.PRUNE, 1, 4, rows=9, cols=6, flags=0b111),
     {0: (9, 6, 16, "r"), 3: (3, 6, 16, "w"), 4: (3, 6, 4, "w"), 5: (2, 9, 16, "w"),
      6: (2, 9, 4, "w")}),
    (Descriptor(Opcode.UPDATE, 4, 4, rows=9, cols=6, flags=0b10),
     {0: (9, 6, 32, "rw"), 1: (9, 6, 32, "rw"), 2: (9, 6, 32, "r"), 5: (6, 9, 16, "w")}),
    (Descriptor(Opcode.FENCE), {}),
])
def test_operands(desc, expected):
    """Rows, columns, bits and role of each slot, written down by hand."""
    found = {tensor.slot: (tensor.rows, tensor.cols, tensor.bits,
                           "r" * tensor.read + "w" * tensor.written + "v" * tensor.vector)
             for tensor in tensors_of(desc)}
    assert found == expected


def test_shapes_of_a_convolution():
    """60 pixels, 24 windows, 6 positions, 20 channels to 33."""
    assert shapes(CONV) == {0: (60, 20), 1: (6 * 6, 33), 2: (6 * 6, 33), 3: (24, 33), 4: (1, 33),
                            5: (24, 33), 6: (24, 33), 7: (2, 33)}
    assert shapes(CONV_TRANS) == {0: (60, 20), 1: (6, 33), 2: (6, 33), 3: (120, 33), 4: (1, 33),
                                  5: (120, 33), 6: (120, 33), 7: (2, 33)}
    assert shapes(replace(CONV, n=8))[1] == (120, 33)
    assert shapes(replace(CONV_TRANS, n=8))[1] == (24, 33)


def test_shapes_and_roles_of_feature_commands():
    def roles(desc: Descriptor) -> dict[int, str]:
        return {tensor.slot: "r" * tensor.read + "w" * tensor.written
                for tensor in tensors_of(desc)}

    matrix, vector = (10, 33), (1, 33)
    assert shapes(AFFINE) == dict(enumerate([matrix] * 3 + [vector] * 3))
    assert roles(AFFINE) == {0: "r", 1: "r", 2: "w", 3: "r", 4: "r", 5: "r"}
    assert shapes(STATS) == dict(enumerate([matrix] * 2 + [vector] * 2))
    assert roles(STATS) == {0: "r", 1: "r", 2: "w", 3: "w"}
    assert shapes(POOL) == {0: (60, 33), 1: (24, 33), 2: (24, 33)}
    assert roles(POOL) == {0: "r", 1: "w", 2: "w"}
    assert shapes(POOL_BACK) == {0: (60, 33), 1: (24, 33), 2: (60, 33)}
    assert roles(POOL_BACK) == {0: "r", 1: "w", 2: "r"}


@pytest.mark.parametrize("opcode", [0, 8, 255])
def test_unknown_opcode(opcode):
    assert verdict(replace(MATMUL, opcode=opcode)) == (Error.OPCODE, AT)


RESERVED = [
    *[(name, with_word(desc, 0, 1 << bit)) for name, desc in LEGAL.items()
      for bit in (13, 15, 21, 25, 31)],
    *[("MATMUL flags", with_word(MATMUL, 1, 1 << bit)) for bit in (11, 31)],
    ("windows without conv", replace(CONV, flags=MATMUL.flags).pack()),
    *[("PRUNE flags", with_word(PRUNE, 1, 1 << bit)) for bit in (4, 5, 31)],
    *[("UPDATE flags", with_word(UPDATE, 1, 1 << bit)) for bit in (2, 5, 31)],
    *[("FENCE flags", with_word(FENCE, 1, 1 << bit)) for bit in (1, 31)],
    *[("AFFINE flags", with_word(AFFINE, 1, 1 << bit)) for bit in (2, 31)],
    *[("STATS flags", with_word(STATS, 1, 1 << bit)) for bit in (1, 31)],
    *[("POOL flags", with_word(POOL, 1, 1 << bit)) for bit in (1, 31)],
    *[("windows", with_word(desc, 7, 1 << bit)) for desc in (CONV, CONV_TRANS, POOL)
      for bit in (14, 15)],
    *[("feature command's word", with_word(desc, word, 1)) for desc in (AFFINE, STATS)
      for word in (4, 5, 6, 7)],
    ("POOL word 4", with_word(POOL, 4, 1)),
    *[(f"feature command's {name}", replace(desc, **{name: 2}).pack())
      for desc in (AFFINE, STATS, POOL) for name in ("n", "m")],
    *[("MATMUL word", with_word(MATMUL, word, 1 << 31)) for word in (5, 6, 7)],
    *[("PRUNE word", with_word(PRUNE, word, 1)) for word in (4, 5, 6, 7)],
    *[("FENCE word", with_word(FENCE, word, 1)) for word in range(2, 32)],
    ("decay without its flag", replace(UPDATE, flags=UPDATE.flags & ~UpdateFlag.DECAY).pack()),
    ("FENCE n", replace(FENCE, n=1).pack()),
    ("FENCE m", replace(FENCE, m=2).pack()),
    ("FENCE overlap", replace(FENCE, overlap=True).pack()),
    *[("PRUNE slots 1, 2, 7", with_word(PRUNE, word, 64)) for word in (11, 12, 13, 14, 16, 29)],
    *[("UPDATE slot 7", with_word(UPDATE, word, 64)) for word in (29, 30, 31)],
    *[("unused slot", with_slot(desc, slot, address=64).pack())
      for desc, slot in ((AFFINE, 6), (STATS, 4), (POOL, 3), (POOL_BACK, 7))],
    *[("second without its flag", replace(desc, flags=desc.flags & ~1, slots={
        number: slot for number, slot in desc.slots.items() if number not in without}).pack())
      for desc, without in ((AFFINE, (1,)), (AFFINE, (4,)), (STATS, ()))],
    *[("vector's stride", with_slot(desc, slot, stride=64).pack())
      for desc, slots in ((CONV, (4,)), (AFFINE, (3, 4, 5)), (STATS, (2, 3))) for slot in slots],
    ("bias stride", with_slot(MATMUL, MatmulSlot.BIAS, stride=64).pack()),
    *[("slot without its flag", replace(MATMUL, flags=MATMUL.flags & ~flag).pack())
      for flag in (MatmulFlag.BIAS, MatmulFlag.RESIDUAL, MatmulFlag.MASK, MatmulFlag.SUMS)],
    *[("plane without its flag", replace(desc, flags=desc.flags & ~flag).pack())
      for desc in (PRUNE, UPDATE) for flag in (PruneFlag.FF, PruneFlag.BP)],
    *[("dense MATMUL with indices", replace(desc, n=8).pack()) for desc in (MATMUL, CONV)],
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
@pytest.mark.parametrize("desc", [MATMUL, CONV, PRUNE, UPDATE],
                         ids=["MATMUL", "CONV", "PRUNE", "UPDATE"])
def test_illegal_ratio(desc, n, m):
    if n == m:
        desc = without_slots(desc, *([2] if desc.opcode == Opcode.MATMUL else [4, 6]))
    assert verdict(replace(desc, n=n, m=m)) == (Error.NM, AT)


@pytest.mark.parametrize("name, word", [("rows", 2), ("cols", 3), ("depth", 4)])
def test_sizes(name, word):
    assert verdict(replace(MATMUL, **{name: 0})) == (Error.SIZE, AT)
    most = COLS_MAX if name == "cols" else SIZE_MAX
    assert verdict(with_word(MATMUL, word, most))[0] != Error.SIZE
    assert verdict(with_word(MATMUL, word, most + 1)) == (Error.SIZE, AT)
    if name != "depth":
        assert verdict(replace(UPDATE, **{name: 0})) == (Error.SIZE, AT)
        assert verdict(with_word(PRUNE, word, 1 << 31)) == (Error.SIZE, AT)


@pytest.mark.parametrize("desc", [AFFINE, STATS, POOL, POOL_BACK, CONV, CONV_TRANS],
                         ids=["AFFINE", "STATS", "POOL", "POOL_BACK", "CONV", "CONV_TRANS"])
def test_sizes_of_feature_commands(desc):
    words = {"rows": 2, "cols": 3, **({"depth": 4} if desc.opcode == Opcode.MATMUL else {})}
    for name, word in words.items():
        assert verdict(replace(desc, **{name: 0})) == (Error.SIZE, AT)
        most = COLS_MAX if name == "cols" else SIZE_MAX
        assert verdict(with_word(desc, word, most + 1)) == (Error.SIZE, AT)


@pytest.mark.parametrize("desc", [CONV, CONV_TRANS, POOL, POOL_BACK],
                         ids=["CONV", "CONV_TRANS", "POOL", "POOL_BACK"])
def test_sizes_of_windows(desc):
    """Each product on both sides of its limit."""
    for name in ("map_h", "map_w", "out_h", "out_w", "kernel_h", "kernel_w"):
        assert verdict(replace(desc, **{name: 0})) == (Error.SIZE, AT)
    for fields, legal in (
        ({"map_h": 4097, "map_w": 4095, "rows": 1}, True),
        ({"map_h": 4096, "map_w": 4096, "rows": 1}, False),
        ({"map_h": 4097, "map_w": 4095, "rows": 2}, False),
        ({"map_h": 224, "map_w": 224, "rows": 16}, True),
        ({"map_h": 1, "map_w": 1, "rows": SIZE_MAX, "out_h": 1, "out_w": 1}, True),
        ({"map_h": 65535, "map_w": 65535, "rows": SIZE_MAX}, False),
        ({"out_h": 4097, "out_w": 4095, "rows": 1}, True),
        ({"out_h": 4096, "out_w": 4096, "rows": 1}, False),
        ({"out_h": 65535, "out_w": 65535, "rows": SIZE_MAX}, False),
    ):
        code = Error.NONE if legal else Error.SIZE
        assert verdict(replace(desc, **fields))[0] == code, fields


def test_sizes_of_kernels():
    for kernel_h, kernel_w, legal in ((4, 4, True), (1, 15, True), (8, 2, True), (3, 6, False),
                                      (15, 15, False)):
        fields = {"kernel_h": kernel_h, "kernel_w": kernel_w}
        code = Error.NONE if legal else Error.SIZE
        assert verdict(replace(POOL, **fields))[0] == code
        assert verdict(replace(CONV, **fields))[0] == Error.NONE
    # P*C, and nothing of the kind in POOL.
    most = SIZE_MAX // 225
    wide = with_slot(replace(CONV, kernel_h=15, kernel_w=15, depth=most), 0, stride=1 << 18)
    assert verdict(wide) == (Error.NONE, 0)
    assert verdict(replace(wide, depth=most + 1)) == (Error.SIZE, AT)
    pool = replace(POOL, kernel_h=4, kernel_w=4, cols=65535, slots={
        number: Slot(1 << 32 + number, 1 << 18) for number in range(3)})
    assert verdict(pool) == (Error.NONE, 0)


def test_rows_of_s_need_no_check():
    """With P*C in range, those of a compressed S are too."""
    for m in LEGAL_M:
        for n in range(1, m):
            for positions in range(1, 226):
                for channels in (SIZE_MAX // positions, SIZE_MAX // positions // m * m + 1,
                                 m * (n - 1) + 1, 1):
                    if positions * channels <= SIZE_MAX:
                        assert positions * compressed_rows(channels, n, m) <= SIZE_MAX


@pytest.mark.parametrize("desc", [CONV, CONV_TRANS, AFFINE, STATS, POOL, POOL_BACK],
                         ids=["CONV", "CONV_TRANS", "AFFINE", "STATS", "POOL", "POOL_BACK"])
def test_slot_checks_of_feature_commands(desc):
    """Shapes decide: the row at the end, and the least stride."""
    for tensor in tensors_of(desc):
        number, base = tensor.slot, tensor.address
        span = tensor.end - base
        last = (TOP - span) // 64 * 64
        assert verdict(with_slot(desc, number, address=base + 32)) == (Error.ALIGN, base + 32)
        assert verdict(with_slot(desc, number, address=last)) == (Error.NONE, 0)
        assert verdict(with_slot(desc, number, address=last + 64)) == (Error.RANGE, last + 64)
        if not tensor.vector:
            assert verdict(with_slot(desc, number, stride=32)) == (Error.ALIGN, base)
            assert verdict(with_slot(desc, number, stride=1 << 24)) == (Error.STRIDE, base)
            too_small = (tensor.row_bytes - 1) // 64 * 64
            assert verdict(with_slot(desc, number, stride=too_small)) == (Error.STRIDE, base)


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
    bad = replace(bad, flags=bad.flags | 1 << 11)
    assert verdict(bad) == (Error.FLAGS, AT)
    bad = replace(bad, opcode=9)
    assert verdict(bad) == (Error.OPCODE, AT)


def test_unpackable_values_are_named():
    with pytest.raises(ValueError, match="^rows:"):
        replace(MATMUL, rows=1 << 24).pack()
    with pytest.raises(ValueError, match=r"^slots\[0\].stride:"):
        with_slot(MATMUL, 0, stride=1 << 32).pack()
    with pytest.raises(ValueError, match="^slots:"):
        with_slot(MATMUL, 8, stride=64).pack()
