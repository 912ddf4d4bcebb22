# SPDX-License-Identifier: Apache-2.0
"""Programs in a memory image: results, overflow, overlap, and every way to fail."""

from dataclasses import replace

import numpy as np
import pytest

from sat_golden import (
    CommandModel,
    Descriptor,
    ErrorRegion,
    Memory,
    Slot,
    Tensor,
    aligned,
    compress_bp,
    compress_ff,
    compressed_rows,
    matmul,
    stimulus,
    update,
    vector,
)
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
from sat_golden.feature import stats
from sat_golden.operands import HALF, NIBBLE, SINGLE
from sat_golden.tensors import tensors_of

BASE = 0x10_0000
PROGRAM = BASE
DATA = BASE + 0x2000
SIZE = 1 << 20
ONE, INF = 0x3C00, 0x7C00
FENCE = Descriptor(Opcode.FENCE, flags=FenceFlag.IRQ)


class Bench:
    """A memory with a bump allocator, and the model on it."""

    def __init__(self, seed: int = 1):
        self.rng = np.random.default_rng(seed)
        self.memory = Memory(BASE, SIZE, self.rng.integers(0, 256, SIZE, dtype=np.uint8))
        self.model = CommandModel(self.memory)
        self.next = DATA

    def tensor(self, rows: int, cols: int, bits: int, elements: np.ndarray | None = None) -> Tensor:
        """A new tensor with a random gap behind each row, filled with `elements`."""
        stride = aligned(-(-cols * bits // 8)) + 64 * int(self.rng.integers(0, 3))
        tensor = Tensor(0, self.next, stride, rows, cols, bits)
        self.next += stride * rows + 64 * int(self.rng.integers(0, 3))
        if elements is not None:
            self.memory.write(tensor, elements)
        return tensor

    def run(self, *commands: Descriptor | bytes):
        for index, command in enumerate(commands):
            data = command if isinstance(command, bytes) else command.pack()
            self.memory.load(PROGRAM + 128 * index, data)
        return self.model.run(PROGRAM, len(commands))

    def matmul(self, value: int = ONE, *, cols: int = 5, **fields) -> tuple[Descriptor, Tensor]:
        """C [3][cols] = A [3][4] . S [4][cols], all elements `value`."""
        a = self.tensor(3, 4, HALF, np.full((3, 4), value, np.uint16))
        s = self.tensor(4, cols, HALF, np.full((4, cols), value, np.uint16))
        c = self.tensor(3, cols, HALF)
        slots = {MatmulSlot.A: slot(a), MatmulSlot.S_VALUES: slot(s), MatmulSlot.C: slot(c)}
        return Descriptor(Opcode.MATMUL, 2, 2, rows=3, cols=cols, depth=4, slots=slots, **fields), c

    def prune(self, value: int = ONE, **fields) -> tuple[Descriptor, Tensor]:
        """FF copy 1:2 of an FP16 W [4][6]."""
        w = self.tensor(4, 6, HALF, np.full((4, 6), value, np.uint16))
        values, indices = self.tensor(2, 6, HALF), self.tensor(2, 6, NIBBLE)
        slots = {PruneSlot.W: slot(w), PruneSlot.FF_VALUES: slot(values),
                 PruneSlot.FF_INDICES: slot(indices)}
        return Descriptor(Opcode.PRUNE, 1, 2, rows=4, cols=6, slots=slots,
                          flags=PruneFlag.FF | PruneFlag.SRC_FP16, **fields), values

    def update(self, **fields) -> tuple[Descriptor, Tensor]:
        """W += -1 * dW with W = 2, dW = 1, shape [2][3]; no copies."""
        def filled(value: float) -> Tensor:
            return self.tensor(2, 3, SINGLE, np.full((2, 3), value, np.float32).view(np.uint32))

        w, v, dw = filled(2.0), filled(0.0), filled(1.0)
        slots = {UpdateSlot.W: slot(w), UpdateSlot.V: slot(v), UpdateSlot.DW: slot(dw)}
        one = 0x3F800000
        return Descriptor(Opcode.UPDATE, 2, 2, rows=2, cols=3, inv_scale=one, momentum=one, lr=one,
                          slots=slots, **fields), w


def slot(tensor: Tensor) -> Slot:
    return Slot(tensor.address, tensor.stride)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def outside_of(before: np.ndarray, after: np.ndarray, ranges: list[tuple[int, int]]) -> bool:
    """Whether a byte outside `ranges` changed."""
    changed = before != after
    for start, end in ranges:
        changed[start - BASE : end - BASE] = False
    return bool(changed.any())


@pytest.mark.parametrize("seed", range(12))
def test_matmul_in_memory(seed):
    bench, rng = Bench(seed), np.random.default_rng(seed)
    n, m = [(8, 8), (2, 8), (1, 2), (5, 16)][seed % 4]
    i, j, k = (int(x) for x in rng.integers(1, 30, 3))
    q = compressed_rows(k, n, m)
    a = stimulus.mixed_fp16(rng, (i, k))
    s = stimulus.mixed_fp16(rng, (q, j))
    indices = None if n == m else rng.integers(0, 16, (q, j)).astype(np.uint8)
    bias = stimulus.ordinary_fp32(rng, (1, j))
    mask = stimulus.mixed_fp16(rng, (i, j))
    trans, single = bool(seed & 1), bool(seed & 2)
    residual = (stimulus.ordinary_fp32 if single else stimulus.mixed_fp16)(rng, (i, j))
    flags = (MatmulFlag.BIAS | MatmulFlag.RESIDUAL | MatmulFlag.RELU | MatmulFlag.MASK
             | MatmulFlag.SUMS)
    flags |= MatmulFlag.A_TRANS * trans | MatmulFlag.OUT_FP32 * single
    tensors = {
        MatmulSlot.A: bench.tensor(k, i, HALF, a.T) if trans else bench.tensor(i, k, HALF, a),
        MatmulSlot.S_VALUES: bench.tensor(q, j, HALF, s),
        MatmulSlot.C: bench.tensor(i, j, SINGLE if single else HALF),
        MatmulSlot.RESIDUAL: bench.tensor(i, j, SINGLE if single else HALF, residual),
        MatmulSlot.MASK: bench.tensor(i, j, HALF, mask),
        MatmulSlot.SUMS: bench.tensor(2, j, SINGLE),
    }
    if indices is not None:
        tensors[MatmulSlot.S_INDICES] = bench.tensor(q, j, NIBBLE, indices)
    slots = {number: slot(tensor) for number, tensor in tensors.items()}
    slots[MatmulSlot.BIAS] = Slot(bench.tensor(1, j, SINGLE, bias).address, 0)
    before = bench.memory.data.copy()
    result = bench.run(Descriptor(Opcode.MATMUL, n, m, flags=flags, rows=i, cols=j, depth=k,
                                  slots=slots), FENCE)
    assert (result.code, result.completed) == (Error.NONE, 2)
    expected = matmul(a, s, indices, n, m, bias=bias, residual=residual, relu=True, mask=mask,
                      out_fp32=single)
    assert (bench.memory.read(tensors[MatmulSlot.C]) == expected).all()
    sums = stats(vector.fp32_to_fp16(expected) if single else expected)
    assert (bench.memory.read(tensors[MatmulSlot.SUMS]) == np.concatenate(sums)).all()
    ranges = result.output_ranges() + [(PROGRAM, PROGRAM + 256)]
    assert not outside_of(before, bench.memory.data, ranges)


@pytest.mark.parametrize("n, m", [(2, 8), (1, 4), (4, 4), (3, 16)])
def test_update_and_prune_in_memory(n, m, bench):
    rng, k, j = np.random.default_rng(n * m), 21, 13
    w, v, dw = (stimulus.ordinary_fp32(rng, (k, j)) for _ in range(3))
    tensors = {number: bench.tensor(k, j, SINGLE, x) for number, x in enumerate((w, v, dw))}
    shapes = {UpdateSlot.FF_VALUES: (compressed_rows(k, n, m), j),
              UpdateSlot.BP_VALUES: (compressed_rows(j, n, m), k)}
    for number, shape in shapes.items():
        tensors[number] = bench.tensor(*shape, HALF)
        if n != m:
            tensors[number + 1] = bench.tensor(*shape, NIBBLE)
    slots = {number: slot(tensor) for number, tensor in tensors.items()}
    scalars = {"inv_scale": 0x3F000000, "decay": 0x38D1B717, "momentum": 0x3F666666,
               "lr": 0x3D4CCCCD}
    before = bench.memory.data.copy()
    result = bench.run(Descriptor(
        Opcode.UPDATE, n, m, rows=k, cols=j, slots=slots, **scalars,
        flags=UpdateFlag.FF | UpdateFlag.BP | UpdateFlag.DECAY))
    assert (result.code, result.overflow) == (Error.NONE, False)
    assert not outside_of(before, bench.memory.data,
                          result.output_ranges() + [(PROGRAM, PROGRAM + 128)])

    new_w, new_v = update(w, v, dw, **scalars)
    half = vector.fp32_to_fp16(new_w)
    ff, bp = compress_ff(half, n, m), compress_bp(half, n, m)
    expected = {0: new_w, 1: new_v, 3: ff.values, 4: ff.indices, 5: bp.values, 6: bp.indices}
    for number, tensor in tensors.items():
        if number != UpdateSlot.DW:
            assert (bench.memory.read(tensor) == expected[number]).all(), number

    planes = {number: bench.memory.read(t) for number, t in tensors.items() if number >= 3}
    del slots[UpdateSlot.V], slots[UpdateSlot.DW]
    for number in planes:
        bench.memory.rows_of(tensors[number])[:] = 0xAA
    bench.run(Descriptor(Opcode.PRUNE, n, m, rows=k, cols=j, slots=slots,
                         flags=PruneFlag.FF | PruneFlag.BP))
    for number, plane in planes.items():
        assert (bench.memory.read(tensors[number]) == plane).all(), "PRUNE agrees with UPDATE"


def test_output_may_be_the_residual(bench):
    command, c = bench.matmul()
    bench.memory.write(c, np.full((3, 5), ONE, np.uint16))
    in_place = replace(command, flags=MatmulFlag.RESIDUAL,
                       slots=command.slots | {MatmulSlot.RESIDUAL: slot(c)})
    assert bench.run(in_place).code == Error.NONE
    assert (bench.memory.read(c) == 0x4500).all()  # 4 * 1 + 1


def test_products_accumulate_in_fp32(bench):
    """An FP32 C that is its own residual: C = C + A.S, again and again."""
    command, c = bench.matmul()
    c = bench.tensor(c.rows, c.cols, SINGLE, np.full((3, 5), 0.5, np.float32).view(np.uint32))
    add = replace(command, flags=MatmulFlag.RESIDUAL | MatmulFlag.OUT_FP32,
                  slots=command.slots | {MatmulSlot.C: slot(c), MatmulSlot.RESIDUAL: slot(c)})
    result = bench.run(add, add, add)
    assert (result.code, result.hazards) == (Error.NONE, [])
    assert (bench.memory.read(c).view(np.float32) == 3 * 4 + 0.5).all()


def test_high_nibble_of_an_odd_row_is_zero(bench):
    command, _ = bench.prune()
    odd = replace(command, cols=5)
    bench.run(odd)
    rows = bench.memory.rows_of(tensors_of(odd)[2])
    assert rows.shape == (2, 3) and (rows[:, 2] < 16).all()


def test_overflow_reaches_the_latch_at_a_fence(bench):
    """The flag is set at once, the latch (and so the skipping) at the next FENCE."""
    finite, _ = bench.matmul()
    infinite, _ = bench.matmul(INF)
    skipping, w = bench.update(flags=UpdateFlag.SKIP_ON_OVERFLOW)
    always, w_always = bench.update()
    result = bench.run(finite, FENCE, skipping)
    assert (result.overflow, result.overflow_latch) == (False, False)
    assert (bench.memory.read(w) == 0x3F800000).all()

    result = bench.run(infinite, skipping)
    assert (result.overflow, result.overflow_latch) == (True, False)
    assert (bench.memory.read(w) != 0x3F800000).all(), "not skipped: no FENCE"

    before = bench.memory.read(w)
    result = bench.run(infinite, FENCE, skipping, always)
    assert (result.overflow_latch, result.fence_irqs, result.completed) == (True, 1, 4)
    assert (bench.memory.read(w) == before).all()
    assert (bench.memory.read(w_always) == 0x3F800000).all()

    assert not bench.run(finite, FENCE).overflow, "a program start clears flag and latch"


def test_overflow_counts_what_is_written(bench):
    command, _ = bench.prune(INF)
    assert bench.run(command).overflow
    masked, _ = bench.matmul(INF)
    zeros = bench.tensor(3, 5, HALF, np.zeros((3, 5), np.uint16))
    masked = replace(masked, flags=MatmulFlag.MASK,
                     slots=masked.slots | {MatmulSlot.MASK: slot(zeros)})
    assert not bench.run(masked).overflow


@pytest.mark.parametrize("prog_addr, prog_len", [
    (PROGRAM + 64, 1), (PROGRAM, 0), ((1 << 40) - 128, 2), (1 << 40, 1), ((1 << 64) - 128, 1)])
def test_bad_program(bench, prog_addr, prog_len):
    result = bench.model.run(prog_addr, prog_len)
    assert (result.code, result.index, result.address) == (Error.PROGRAM, 0, prog_addr)
    assert result.commands == []


def test_check_error_stops_the_program(bench):
    first, c = bench.matmul()
    bad = replace(first, n=3)
    last, untouched = bench.matmul()
    before = bench.memory.read(untouched)
    result = bench.run(FENCE, first, bad, last)
    assert (result.code, result.index, result.address) == (Error.NM, 2, PROGRAM + 256)
    assert (result.completed, result.fence_irqs) == (2, 1)
    assert result.uncertain == set(), "the commands before a bad one complete"
    assert (bench.memory.read(c) == 0x4400).all()
    assert (bench.memory.read(untouched) == before).all()


@pytest.mark.parametrize("decerr", [False, True])
@pytest.mark.parametrize("number", [MatmulSlot.A, MatmulSlot.S_VALUES, MatmulSlot.C])
def test_bus_errors_name_command_and_address(bench, number, decerr):
    good, _ = bench.matmul()
    command, _ = bench.matmul(overlap=True)
    later, _ = bench.prune(overlap=True)
    row = command.slot(number).address + command.slot(number).stride
    region = ErrorRegion(row, row + 64, decerr=decerr)
    bench.memory.error_regions.append(region)
    write = number == MatmulSlot.C
    result = bench.run(good, command, later)
    assert (result.code, result.index, result.address) == (region.code(write), 1, row)
    assert result.completed == 1
    assert result.uncertain == {1, 2}, "the PRUNE may have started beside the failing command"

    accepts = bench.model.accepts
    assert accepts(result, result.code, 1, row)
    assert not accepts(result, result.code, 0, row)
    assert not accepts(result, result.code, 1, row + 8)
    other = Error.READ_SLVERR if decerr else Error.READ_DECERR
    assert not accepts(result, other, 1, row)
    start = command.slot(number).address
    far = accepts(result, result.code, 1, start)
    assert far == (write and command.slot(number).stride < 256), "a write burst may begin earlier"


def test_accesses_outside_the_memory_give_decerr(bench):
    command, _ = bench.matmul()
    outside = replace(command, slots=command.slots | {MatmulSlot.C: Slot(BASE - 128, 64)})
    result = bench.run(outside)
    assert (result.code, result.address) == (Error.WRITE_DECERR, BASE - 128)
    beyond = BASE + SIZE
    outside = replace(command, slots=command.slots | {MatmulSlot.A: Slot(beyond - 64, 64)})
    result = bench.run(outside)
    assert (result.code, result.address) == (Error.READ_DECERR, beyond)


def test_descriptor_read_error(bench):
    command, _ = bench.matmul()
    region = ErrorRegion(PROGRAM + 192, PROGRAM + 256)
    bench.memory.error_regions.append(region)
    result = bench.run(command, command)
    assert (result.code, result.index, result.address) == (Error.READ_SLVERR, 1, PROGRAM + 192)
    assert bench.model.accepts(result, Error.READ_SLVERR, 1, PROGRAM + 192)


def test_error_regions_choose_direction(bench):
    command, c = bench.matmul()
    a = command.slot(MatmulSlot.A).address
    bench.memory.error_regions += [
        ErrorRegion(a, a + 64, on_read=False),
        ErrorRegion(c.address, c.address + 64, on_write=False),
    ]
    assert bench.run(command).code == Error.NONE


def test_gaps_between_rows_may_hold_error_regions(bench):
    command, _ = bench.matmul()
    a = DATA + 0x10000
    spread = replace(command, slots=command.slots | {MatmulSlot.A: Slot(a, 4096)})
    bench.memory.error_regions.append(ErrorRegion(a + 64, a + 4096))
    assert bench.run(spread).code == Error.NONE


def test_skipped_update_touches_no_memory(bench):
    infinite, _ = bench.matmul(INF)
    skipping, w = bench.update(flags=UpdateFlag.SKIP_ON_OVERFLOW)
    bench.memory.error_regions.append(ErrorRegion(w.address, w.address + 64))
    assert bench.run(infinite, FENCE, skipping).code == Error.NONE
    assert bench.run(skipping).code == Error.READ_SLVERR
    assert bench.run(infinite, FENCE, replace(skipping, rows=0)).code == Error.SIZE


def test_overlap_rules(bench):
    product, _ = bench.matmul(cols=6)
    beside, _ = bench.prune(overlap=True)
    assert bench.run(product, beside).commands[1].beside == {0}
    assert bench.run(product, replace(beside, overlap=False)).commands[1].beside == set()
    assert bench.run(product, FENCE, beside).commands[1].beside == set()
    # The array engine runs one command at a time: when the second has started, the first is done.
    other, _ = bench.matmul(overlap=True)
    assert bench.run(product, other, beside).commands[2].beside == {1}


def test_memory_refuses_wrong_arguments():
    with pytest.raises(ValueError, match="base"):
        Memory(32, 64)
    with pytest.raises(ValueError, match="data"):
        Memory(0, 64, np.zeros(64, np.int8))
    with pytest.raises(ValueError, match="address"):
        Memory(0, 64).load(32, bytes(64))
    with pytest.raises(ValueError, match="multiples"):
        ErrorRegion(0, 100)
    with pytest.raises(ValueError, match="elements"):
        Memory(0, 64).write(Tensor(0, 0, 64, 1, 2, HALF), np.zeros((2, 1), np.uint16))
