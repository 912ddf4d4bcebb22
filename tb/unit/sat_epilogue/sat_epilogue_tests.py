# SPDX-License-Identifier: Apache-2.0
"""sat_epilogue against the golden epilogue, in every mode, one group per cycle."""

from __future__ import annotations

import re

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from sat.rtl import INCLUDE
from sat_golden import vector
from sat_golden.multiply import epilogue
from sat_golden.stimulus import (
    FP32_SPECIALS,
    mixed_fp16,
    near_tie_additions,
    near_tie_halves,
    random_bits,
)
from tb.common.clock import start
from tb.common.lanes import pack, pack_array, unpack_array
from tb.common.parameters import parameters
from tb.common.rng import make_rng

ADD_LATENCY = int(re.findall(r"SAT_FP32_ADD_LATENCY (\d+)",
                             (INCLUDE / "sat_fp.vh").read_text(encoding="utf-8"))[0])
LATENCY = 4 + 2 * ADD_LATENCY


def draw(rng: np.random.Generator, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Accumulators and operands: plain, special, any bits, near ties of the sum and of rounding."""
    tie_a, tie_b = near_tie_additions(rng, shape[0] * shape[1])
    single = [
        rng.standard_normal(shape, np.float32).view(np.uint32),
        rng.choice(FP32_SPECIALS, shape),
        random_bits(rng, shape, np.uint32),
        near_tie_halves(rng, shape[0] * shape[1]).reshape(shape),
        tie_a.reshape(shape),
    ]
    kind = rng.integers(0, len(single), shape)
    bias_kind = np.where(kind == 4, 4, rng.integers(0, 4, shape))
    acc = np.choose(kind, single).astype(np.uint32)
    bias = np.choose(bias_kind, [*single[:3], single[0], tie_b.reshape(shape)]).astype(np.uint32)
    # What an accumulator can hold: no subnormals, magnitudes from 2^-48 to below 2^78.
    exponent = acc >> 23 & 0xFF
    held = (exponent == 255) | ((exponent >= 127 - 48) & (exponent < 127 + 78))
    return {"acc": np.where(held, acc, acc & 0x80000000).astype(np.uint32), "bias": bias,
            "residual": mixed_fp16(rng, shape, 0.3), "mask": mixed_fp16(rng, shape, 0.5),
            "residual_single": np.where(kind == 4, bias, rng.permuted(bias))}


@cocotb.test()
@cocotb.parametrize(bias=[False, True], residual=[None, "half", "single"], relu=[False, True],
                    mask=[False, True])
async def test_modes(dut, bias, residual, relu, mask):
    rng = make_rng(f"{bias} {residual} {relu} {mask}")
    (lanes,) = parameters(dut, "LANES")
    cycles = 600
    data = draw(rng, (cycles, lanes))
    # The array delivers canonical NaN and never a -0; the epilogue need not rely on the latter.
    acc = vector.fp32_to_acc(vector.fp32_bits(data["acc"].view(np.float32)))
    modes = {"relu": relu} | {name: data[name] for name, used in (
        ("bias", bias), ("mask", mask)) if used}
    lane = data["residual_single"]  # of an FP16 residual the lower half counts
    if residual == "half":
        modes["residual"] = vector.fp16_to_fp32(data["residual"])
        lane = lane & 0xFFFF0000 | data["residual"]
    elif residual:
        modes["residual"] = lane
    single = epilogue(vector.acc_to_fp32(acc), **modes, out_fp32=True)
    half = vector.fp32_to_fp16(single)
    await start(dut, use_bias_i=int(bias), use_residual_i=int(residual is not None),
                as_single_i=int(residual == "single"), use_relu_i=int(relu), use_mask_i=int(mask))
    for cycle in range(cycles + LATENCY):
        if cycle >= LATENCY:
            row = cycle - LATENCY
            for name, dtype, expected, special in (("single", np.uint32, single, 0x7F800000),
                                                   ("half", np.uint16, half, 0x7C00)):
                word = getattr(dut, f"{name}_o").value.to_unsigned()
                actual = unpack_array(word, dtype, lanes)
                inputs = {key: hex(value[row, 0]) for key, value in data.items()}
                assert np.array_equal(actual, expected[row]), \
                    f"{name}: {inputs} expected {expected[row]} actual {actual}"
                flags = getattr(dut, f"{name}_special_o").value.to_unsigned()
                assert flags == pack(expected[row] & special == special, 1), \
                    f"{name} {expected[row]}"
        row = min(cycle, cycles - 1)
        dut.acc_i.value = pack(acc[row], 31)
        dut.residual_i.value = pack_array(lane[row])
        dut.mask_i.value = pack_array(data["mask"][row])
        dut.bias_i.value = pack_array(data["bias"][max(row - (cycle < cycles), 0)])
        await FallingEdge(dut.clk)
