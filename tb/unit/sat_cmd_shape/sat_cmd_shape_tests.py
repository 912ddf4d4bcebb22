# SPDX-License-Identifier: Apache-2.0
"""sat_cmd_shape against the golden operand rules: every command and set of flags, random sizes."""

import cocotb
from cocotb.triggers import FallingEdge

from sat_golden.defs import FIELDS, LEGAL_FLAGS, MatmulFlag, Opcode
from sat_golden.descriptor import Descriptor
from sat_golden.operands import OPERANDS
from tb.common.clock import start
from tb.common.rng import make_rng

SLOTS = 8
WINDOW_SIDES = ("map_h", "map_w", "out_h", "out_w", "kernel_h", "kernel_w")


def flag_sets(opcode):
    """All subsets of the flags that the command may set."""
    legal, flags = LEGAL_FLAGS[opcode], 0
    while True:
        yield flags
        flags = (flags - legal) & legal
        if not flags:
            return


def draw(rng, opcode, flags, dense):
    """With windows, sizes whose products fit a size field. Else sizes are even, so that N:M = 1:2
    halves them exactly."""
    desc = Descriptor(opcode, n=1, m=1 if dense else 2, flags=flags)
    if desc.has_windows:
        sides = {name: int(rng.integers(1, 16)) for name in WINDOW_SIDES}
        sides |= {"rows": int(rng.integers(1, 1 << 16)), "depth": 2 * int(rng.integers(1, 1 << 15)),
                  "cols": int(rng.integers(1, 1 << 16))}
    else:
        sides = {name: 2 * int(rng.integers(1, 1 << FIELDS[name.upper()][2] - 1))
                 for name in ("rows", "cols", "depth")}
    return Descriptor(opcode, n=1, m=desc.m, flags=flags, **sides)


def window_inputs(desc):
    """What sat_cmd_windows finds; without windows, the sizes of the command."""
    if not desc.has_windows:
        return {"pixels_i": 0, "results_i": desc.rows, "reduction_i": desc.depth}
    view = desc.windows
    if desc.opcode == Opcode.MATMUL and desc.has(MatmulFlag.A_TRANS):
        results, reduction = view.positions * desc.depth, view.count
    else:
        results, reduction = view.count, view.positions * desc.padded(desc.depth)
    return {"pixels_i": view.pixels, "results_i": results, "reduction_i": reduction}


@cocotb.test()
@cocotb.parametrize(opcode=[code.name for code in Opcode])
async def test_shapes(dut, opcode):
    rng = make_rng(opcode)
    await start(dut)
    opcode = Opcode[opcode]
    for flags in flag_sets(opcode):
        for dense in (False, True):
            desc = draw(rng, opcode, flags, dense)
            operands = {operand.slot: operand for operand in OPERANDS[opcode](desc)}
            inputs = window_inputs(desc) | {
                "opcode_i": opcode, "flags_i": flags, "dense_i": dense, "rows_i": desc.rows,
                "cols_i": desc.cols, "depth_i": desc.depth}
            for name, value in inputs.items():
                getattr(dut, name).value = int(value)
            for slot in range(SLOTS):
                dut.slot_i.value, dut.load_i.value = slot, 1
                await FallingEdge(dut.clk)
                dut.slot_i.value, dut.load_i.value = int(rng.integers(SLOTS)), 0
                if rng.random() < 0.3:
                    await FallingEdge(dut.clk)
                operand = operands.get(slot)
                used = bool(dut.used_o.value.to_unsigned() >> slot & 1)
                assert used == (operand is not None), (desc, slot)
                if operand:
                    vector = bool(dut.vectors_o.value.to_unsigned() >> slot & 1)
                    before = dut.rows_o.value.to_unsigned()
                    rows = desc.kept(before) if dut.groups_o.value else before
                    row_bytes = dut.row_bytes_o.value.to_unsigned()
                    assert (vector, rows, row_bytes) == (
                        operand.vector, operand.shape[0],
                        (operand.shape[1] * operand.bits + 7) // 8), (desc, operand)
