# SPDX-License-Identifier: Apache-2.0
"""sat_matmul_command: fields where spec/commands.yaml has them, and the plan of sat.plan. What the
plan itself must be is the matter of sat_matmul_plan's bench.
"""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from sat.plan import Tiling
from sat_golden import Windows
from sat_golden.defs import COLS_MAX, MATMUL_ROW_INTERLEAVE_LSB, MatmulFlag, MatmulSlot
from tb.common.buses import S_POSITIONS
from tb.common.clock import start
from tb.common.descriptor import field, random_descriptor, slots
from tb.common.lanes import unpack
from tb.common.parameters import parameters
from tb.common.rng import make_rng
from tb.common.walk import c_rows
from tb.top.random_windows import integers
from tb.unit.sat_matmul_plan.sat_matmul_plan_tests import LEGAL_NM, expected_of, shape_of, size

FLAGS = {"a_trans": MatmulFlag.A_TRANS, "conv": MatmulFlag.CONV, "as_single": MatmulFlag.OUT_FP32,
         "use_bias": MatmulFlag.BIAS, "use_residual": MatmulFlag.RESIDUAL,
         "use_relu": MatmulFlag.RELU, "use_mask": MatmulFlag.MASK, "use_sums": MatmulFlag.SUMS}
WINDOWS = ("map_h", "map_w", "out_h", "out_w", "kernel_w", "step_log2", "dilation_log2",
           "upsample_log2", "pad_top", "pad_left")
PLAN_LATENCY = 9


def value(dut, name: str) -> int:
    return int(dut[f"{name}_o"].value)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_random_descriptors(dut):
    rng = make_rng()
    await start(dut)
    addr_w, = parameters(dut, "ADDR_W")
    for _ in range(400):
        n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
        plan = Tiling(shape_of(dut), size(rng), size(rng, COLS_MAX), size(rng), n, m,
                      int(rng.integers(8)))
        flags = (int(rng.integers(1 << 8)) & ~MatmulFlag.CONV
                 | plan.row_interleave << MATMUL_ROW_INTERLEAVE_LSB)
        descriptor = random_descriptor(rng, n=n, m=m, rows=plan.i, cols=plan.j, depth=plan.k,
                                       flags=flags)
        dut.desc_i.value, dut.start_i.value = descriptor, 1
        await FallingEdge(dut.clk)
        dut.desc_i.value, dut.start_i.value = random_descriptor(rng), 0
        for _ in range(PLAN_LATENCY - 1):
            assert not dut.planned_o.value
            await FallingEdge(dut.clk)
        addresses, strides = slots(descriptor, len(MatmulSlot), addr_w)
        for cycle in range(3):  # the pulse, then the same without it
            assert {name: value(dut, name) for name in FLAGS} == {
                name: bool(flags & flag) for name, flag in FLAGS.items()}
            assert {name: value(dut, name) for name in WINDOWS} == {
                name: field(descriptor, name) for name in WINDOWS}
            assert unpack(value(dut, "slot_addr"), addr_w, len(MatmulSlot)) == addresses
            assert unpack(value(dut, "slot_stride"), 24, len(MatmulSlot)) == strides
            expected = expected_of(plan)
            assert {name: value(dut, name) for name in expected} == expected
            assert value(dut, "a_passes") == (1 if plan.a_resident else plan.col_tiles)
            assert value(dut, "s_passes") == (1 if plan.s_resident else plan.row_tiles)
            assert value(dut, "planned") == (cycle == 0)
            assert not value(dut, "blank") and not value(dut, "more")
            await FallingEdge(dut.clk)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_convolution(dut):
    """The flag and the windows' sides reach the plan, which then takes longer."""
    rng = make_rng()
    await start(dut)
    descriptor = random_descriptor(
        rng, n=1, m=2, rows=3, cols=5, depth=7, out_h=2, out_w=4, kernel_h=3, kernel_w=2,
        upsample_log2=0,
        flags=MatmulFlag.CONV)
    dut.desc_i.value, dut.start_i.value = descriptor, 1
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    cycles = 1
    while not dut.planned_o.value:
        assert cycles < 20
        await FallingEdge(dut.clk)
        cycles += 1
    assert dut.conv_o.value and cycles > PLAN_LATENCY
    assert value(dut, "rows") == 3 * 2 * 4 and value(dut, "k_segments") == 3 * 2


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def test_phases(dut):
    """Over an upsampled map the next phase is planned when it is asked for."""
    rng = make_rng()
    await start(dut)
    shape = shape_of(dut)
    blanks = 0
    for number in range(60):
        out_h, out_w = integers(rng.integers(1, 9, 2))
        kernel_h, kernel_w = integers(rng.integers(1, 5, 2))
        windows = Windows(
            2, 5, 6, out_h, out_w, kernel_h, kernel_w, step_log2=int(rng.integers(2)),
            dilation_log2=int(rng.integers(3)), upsample_log2=int(rng.integers(1, 4)),
            pad_top=int(rng.integers(-128, 128)), pad_left=int(rng.integers(-16, 16)))
        n, m = LEGAL_NM[number % len(LEGAL_NM)]
        flags = MatmulFlag.CONV | MatmulFlag.BIAS
        descriptor = random_descriptor(rng, n=n, m=m, cols=5, depth=7, flags=flags,
                                       **windows.fields())
        phases = list(windows.phases())
        dut.desc_i.value, dut.start_i.value = descriptor, 1
        for place, phase in enumerate(phases):
            await FallingEdge(dut.clk)
            dut.start_i.value = dut.next_i.value = 0
            for _ in range(20):
                if dut.planned_o.value:
                    break
                await FallingEdge(dut.clk)
            part = phase.windows
            blank = not part.positions
            blanks += blank
            assert value(dut, "blank") == blank
            plan = Tiling.conv(shape, part, 7, 5, n, m, field(descriptor, "flags") >> 8 & 7)
            assert {name: value(dut, name) for name in expected_of(plan)} == expected_of(plan)
            assert value(dut, "c_rows") == c_rows(windows, phase.rows)
            names = ["out_h", "out_w"] if blank else [
                "out_h", "out_w", "kernel_w", "step_log2", "dilation_log2", "upsample_log2",
                "pad_top", "pad_left"]
            expected = {name: getattr(part, name) & (255 if name.startswith("pad") else -1)
                        for name in names}
            assert {name: value(dut, name) for name in names} == expected, (windows, place)
            if not blank:
                spacing, y, x, width = S_POSITIONS.unpack(value(dut, "positions")).values()
                taken = [ky * windows.kernel_w + kx for ky in range(windows.kernel_h)
                         for kx in range(windows.kernel_w)
                         if (ky ^ y | kx ^ x) & (1 << spacing) - 1 == 0]
                assert taken == phase.positions.tolist() and width == windows.kernel_w
            assert value(dut, "more") == (place < len(phases) - 1)
            for _ in range(int(rng.integers(1, 4))):
                await FallingEdge(dut.clk)
                assert not dut.planned_o.value
            if place < len(phases) - 1:
                dut.next_i.value = 1
    assert blanks > 20
