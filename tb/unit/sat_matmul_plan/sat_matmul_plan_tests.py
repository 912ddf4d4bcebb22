# SPDX-License-Identifier: Apache-2.0
"""sat_matmul_plan derives what sat.plan.Tiling says, for every N:M and sizes up to 2^24 - 1, with
and without convolution, and of its phases."""

from __future__ import annotations

from dataclasses import replace

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat.plan import Array, Tiling
from sat_golden import Windows, compressed_rows
from sat_golden.defs import COLS_MAX, SIZE_MAX
from sat_golden.windows import Phase
from tb.common.buses import C_ROWS
from tb.common.clock import start
from tb.common.parameters import array_of, parameters
from tb.common.rng import make_rng
from tb.common.walk import c_rows, log2

LEGAL_NM = [(n, m) for m in (2, 4, 8, 16) for n in range(1, m + 1)]
CONV_INPUTS = ("out_h", "out_w", "kernel_h", "kernel_w", "split", "full_w", "spread", "phase_y",
               "phase_x", "hop", "values_stride", "indices_stride")


def shape_of(dut) -> Array:
    (lanes,) = parameters(dut, "LANES")
    return array_of(dut, "ROWS", "COLS", "T", "A_DEPTH", "S_DEPTH", "CHUNK_K", data_w=16 * lanes)


def expected_of(plan: Tiling) -> dict[str, int]:
    return {
        "rows": plan.i, "cols": plan.j, "depth": plan.k,
        "k_segments": plan.k_segments, "dense": plan.dense, "n": plan.group_n,
        "m_log2": log2(plan.group_m), "t2_log2": log2(plan.t2), "t1_log2": log2(plan.t1),
        "fold": plan.folded,
        "period": plan.period, "kept": plan.kept,
        "row_tiles": plan.row_tiles, "col_tiles": plan.col_tiles,
        "a_resident": plan.a_resident, "s_resident": plan.s_resident,
    }


async def check(dut, plan: Tiling, inputs: dict[str, int],
                phase: dict[str, int] | None = None) -> None:
    """`inputs` are the sizes as the descriptor has them; only a convolution gives kernel sides, and
    only one of several phases what else is expected of it, `phase`."""
    conv = "kernel_h" in inputs
    expected = expected_of(plan) | (phase or {})
    if not plan.k_segments:
        del expected["a_resident"], expected["s_resident"]  # nothing is loaded
    values = dict.fromkeys(CONV_INPUTS, 0) | inputs | {
        "n": plan.n, "m": plan.m, "map": plan.row_interleave, "cols": plan.j, "conv": conv,
        "start": 1}
    for name, value in values.items():
        getattr(dut, f"{name}_i").value = int(value)
    await FallingEdge(dut.clk)
    for name in values:  # valid with start_i only
        getattr(dut, f"{name}_i").value = 0
    latency = 17 if conv else 7
    for cycle in range(1, latency + 3):
        assert dut.ready_o.value == (cycle == latency)
        if cycle >= latency:
            actual = {name: int(getattr(dut, f"{name}_o").value) for name in expected}
            assert actual == expected, f"{plan}"
            if not phase:
                record = C_ROWS.unpack(int(dut.c_rows_o.value))
                assert record["spread"] == record["origin"] == record["line_w"] == 0
        await FallingEdge(dut.clk)


async def check_matrix(dut, rng: np.random.Generator, plan: Tiling) -> None:
    """A MATMUL without convolution; whether A is transposed does not matter."""
    await check(dut, plan, {"rows": plan.i, "depth": plan.k, "a_trans": int(rng.integers(2))})


async def check_conv(dut, windows: Windows, channels: int, j: int, nm: tuple[int, int], hint: int,
                     a_trans: bool) -> Tiling:
    plan = Tiling.conv(shape_of(dut), windows, channels, j, *nm, hint, a_trans)
    fields = windows.fields()
    inputs = {name: fields[name] for name in ("rows", "out_h", "out_w", "kernel_h", "kernel_w")}
    await check(dut, plan, inputs | {"depth": channels, "a_trans": a_trans})
    return plan


def size(rng: np.random.Generator, most: int = SIZE_MAX) -> int:
    """1..most, small ones and powers of two and their neighbours as likely as large ones."""
    bits = int(rng.integers(1, most.bit_length() + 1))
    around = (1 << bits) + int(rng.integers(-1, 2))
    value = around if rng.random() < 0.3 else int(rng.integers(1, 1 << bits))
    return min(max(value, 1), most)


def random_windows(rng: np.random.Generator) -> Windows:
    """Up to SIZE_MAX windows; the map itself does not matter here."""
    out_h = size(rng, COLS_MAX)
    out_w = size(rng, min(COLS_MAX, SIZE_MAX // out_h))
    images = size(rng, SIZE_MAX // (out_h * out_w))
    kernel_h, kernel_w = rng.integers(1, 16, 2).tolist()
    return Windows(images, 1, 1, out_h, out_w, kernel_h, kernel_w)


@cocotb.test()
async def test_plans(dut):
    """Random sizes with every N:M and hint."""
    rng = make_rng()
    await start(dut)
    for n, m in LEGAL_NM:
        for hint in range(8):
            for _ in range(3):
                plan = Tiling(shape_of(dut), size(rng), size(rng, COLS_MAX), size(rng), n, m, hint)
                await check_matrix(dut, rng, plan)


@cocotb.test()
async def test_residency(dut):
    """Around the sizes at which an operand just fits."""
    rng = make_rng()
    shape = shape_of(dut)
    await start(dut)
    for _ in range(300):
        n, m = LEGAL_NM[rng.integers(len(LEGAL_NM))]
        plan = Tiling(shape, 1, 1, 1, n, m, int(rng.integers(8)))
        tiles = int(rng.integers(1, 5))
        k_a = shape.a_depth * shape.lanes // (plan.t2 * tiles) + int(rng.integers(-9, 10))
        k_s = shape.s_depth // plan.t1 * plan.group_m // plan.group_n + int(rng.integers(-9, 10))
        k = max(int(rng.choice([k_a, k_s])), 1)
        i = plan.row_span * tiles - int(rng.integers(0, plan.row_span))
        j = plan.col_span * tiles - int(rng.integers(0, plan.col_span))
        await check_matrix(dut, rng, Tiling(shape, i, j, k, n, m, plan.row_interleave))


@cocotb.test()
async def test_convolutions(dut):
    """Random windows and channels with every N:M and hint, up to the largest P*C."""
    rng = make_rng()
    await start(dut)
    for n, m in LEGAL_NM:
        for hint in range(8):
            for a_trans in (False, True):
                windows = random_windows(rng)
                most = SIZE_MAX // windows.positions
                channels = most if rng.random() < 0.2 else min(size(rng), most)
                await check_conv(dut, windows, channels, size(rng, COLS_MAX), (n, m), hint, a_trans)


async def check_phase(dut, rng: np.random.Generator, windows: Windows, phase: Phase, channels: int,
                      j: int, nm: tuple[int, int], hint: int) -> None:
    part, step = phase.windows, 1 << windows.upsample_log2
    plan = Tiling.conv(shape_of(dut), part, channels, j, *nm, hint)
    y, x = divmod(int(phase.rows[0]), windows.out_w)
    strides = 64 * rng.integers(1, 1 << 18, 2)
    rows = compressed_rows(channels, *nm)
    fields = part.fields()
    inputs = {name: fields[name] for name in ("rows", "out_h", "out_w", "kernel_h", "kernel_w")}
    await check(dut, plan, inputs | {
        "depth": channels, "a_trans": 0, "split": 1, "full_w": windows.out_w,
        "spread": windows.upsample_log2, "phase_y": y, "phase_x": x,
        "hop": windows.out_h - (part.out_h - 1) * step, "values_stride": strides[0],
        "indices_stride": strides[1]}, {
            "position_rows": rows, "position_values_bytes": rows * int(strides[0]) % (1 << 40),
            "position_indices_bytes": rows * int(strides[1]) % (1 << 40),
            "c_rows": c_rows(windows, phase.rows)})


@cocotb.test()
async def test_phases(dut):
    """Of random windows, also those that see nothing."""
    rng = make_rng()
    await start(dut)
    blank = 0
    for number in range(200):
        windows = replace(random_windows(rng), upsample_log2=int(rng.integers(1, 4)),
                          dilation_log2=int(rng.integers(4)), pad_top=int(rng.integers(-16, 16)))
        phases = list(windows.phases())
        phase = phases[rng.integers(len(phases))]
        blank += not phase.windows.positions
        channels = min(size(rng), SIZE_MAX // windows.positions)
        nm = LEGAL_NM[number % len(LEGAL_NM)]
        await check_phase(dut, rng, windows, phase, channels, size(rng, COLS_MAX), nm,
                          int(rng.integers(8)))
    assert 10 < blank < 190, blank


@cocotb.test()
async def test_residency_of_convolutions(dut):
    """Around the numbers of channels at which A or S just fits."""
    rng = make_rng()
    shape = shape_of(dut)
    await start(dut)
    kinds = set()
    for _ in range(400):
        nm = LEGAL_NM[rng.integers(len(LEGAL_NM))]
        plan = Tiling(shape, 1, 1, 1, *nm, int(rng.integers(8)))
        kernel_h, kernel_w = rng.integers(1, 4, 2).tolist()
        tiles = int(rng.integers(1, 4))
        windows = Windows(1, 1, 1, int(rng.integers(1, 4)), int(rng.integers(1, plan.row_span + 1)),
                          kernel_h, kernel_w)
        fit_a = shape.a_depth * shape.lanes // (plan.t2 * windows.positions * tiles)
        fit_s = shape.s_depth * plan.group_m // (plan.t1 * plan.group_n * windows.positions)
        channels = int(rng.choice([fit_a, fit_s])) + int(rng.integers(-17, 18))
        channels = max(channels, 1)
        j = plan.col_span * tiles - int(rng.integers(0, plan.col_span))
        plan = await check_conv(dut, windows, channels, j, nm, plan.row_interleave,
                                bool(rng.integers(2)))
        kinds.add((plan.a_resident, plan.s_resident))
    assert len(kinds) == 4, kinds
