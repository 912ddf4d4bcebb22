# SPDX-License-Identifier: Apache-2.0
"""sat_feature_rows against nested loops: requests of AFFINE and STATS in order, never the
parameters of a third band."""

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.lanes import pack
from tb.common.parameters import parameters
from tb.common.rng import make_rng

X, Y, ALPHA, BETA, GAMMA = range(5)
ADDR_W = 40


def requests(affine, second, rows, cols, bases, strides, data_w):
    """(target, address, beats, marks) in order."""
    lanes = data_w // 32
    for band, left in enumerate(range(cols, 0, -16 * lanes)):
        channels = min(left, 16 * lanes)
        beats, short = -(-channels // (2 * lanes)), (channels - 1) % (2 * lanes) < lanes
        for param in (ALPHA, BETA, GAMMA) if affine else ():
            if param != BETA or second:
                yield 1 << param, bases[param] + 2 * data_w * band, -(-channels // lanes), None
        for row in range(rows):
            for target in (X, Y) if second else (X,):
                yield (1 << target, bases[target] + row * strides[target] + data_w * band, beats,
                       2 * (row == rows - 1) + short)


@cocotb.test()
@cocotb.parametrize(affine=[0, 1], second=[0, 1], p_ready=[1.0, 0.5])
async def test_requests(dut, affine, second, p_ready):
    rng = make_rng(f"{affine} {second} {p_ready}")
    await start(dut)
    waited, data_w = False, parameters(dut, "DATA_W")[0]
    for _ in range(12):
        rows, hurry = int(rng.integers(1, 4)), rng.choice([0.0, 0.05])
        cols = int(rng.choice([1, 4, 5, 63, 64, 65, 255, 256, 257, *rng.integers(129, 400, size=6),
                               *rng.integers(data_w + 1, 3 * data_w, size=6)]))
        bases = [64 * int(base) for base in rng.integers(1 << 33, size=5)]
        strides = [64 * int(stride) for stride in rng.integers(1, 1 << 17, size=2)]
        for name, value in {"affine": affine, "second": second, "rows": rows, "cols": cols,
                            "base": pack(bases, ADDR_W), "stride": pack(strides, 24),
                            "start": 1, "piece_ready": 0, "band_done": 0}.items():
            getattr(dut, f"{name}_i").value = value
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        dut.base_i.value = dut.stride_i.value = 0
        await FallingEdge(dut.clk)
        ahead = 0  # bands whose parameters are out and not used up
        for target, address, beats, marks in requests(affine, second, rows, cols, bases, strides,
                                                      data_w):
            taken = False
            while not taken:
                full = target == 1 << ALPHA and ahead == 2
                waited |= full
                assert bool(dut.piece_valid_o.value) == (not full)
                if not full:
                    assert (dut.piece_target_o.value.to_unsigned(),
                            dut.piece_addr_o.value.to_unsigned(),
                            dut.piece_beats_o.value.to_unsigned()) == (
                                target, address % (1 << ADDR_W), beats), (rows, cols)
                    if marks is not None:
                        assert dut.piece_marks_o.value.to_unsigned() == marks, (rows, cols)
                taken = not full and rng.random() < p_ready
                done = ahead and rng.random() < (0.2 if full else hurry)
                dut.piece_ready_i.value, dut.band_done_i.value = int(taken), int(done)
                await FallingEdge(dut.clk)
                ahead += (taken and target == 1 << ALPHA) - bool(done)
        dut.piece_ready_i.value = 0
        while ahead:
            assert not dut.piece_valid_o.value
            dut.band_done_i.value = 1
            await FallingEdge(dut.clk)
            ahead -= 1
        dut.band_done_i.value = 0
        assert not dut.piece_valid_o.value
    assert waited or not affine
