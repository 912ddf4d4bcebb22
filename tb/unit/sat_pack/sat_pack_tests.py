# SPDX-License-Identifier: Apache-2.0
"""sat_pack: rows of FP32 or FP16 groups become beats with strobes, with gaps between groups."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng


@cocotb.test()
@cocotb.parametrize(as_single=[0, 1], p_valid=[1.0, 0.5])
async def test_rows(dut, as_single, p_valid):
    rng = make_rng(f"{as_single} {p_valid}")
    lanes, data_w = parameters(dut, "LANES", "DATA_W")
    size, name = (4, "single") if as_single else (2, "half")
    await start(dut, as_single_i=as_single)
    expected: list[tuple[bytes, int]] = []
    beats: list[tuple[bytes, int]] = []

    async def step() -> None:
        await FallingEdge(dut.clk)
        if dut.beat_valid_o.value:
            beats.append((dut.beat_o.value.to_unsigned().to_bytes(data_w // 8, "little"),
                          dut.strb_o.value.to_unsigned()))

    for _ in range(300):
        values = int(rng.integers(1, 5 * data_w // 8))
        row = rng.bytes(values * size)
        for at in range(0, len(row), data_w // 8):
            part = row[at : at + data_w // 8]
            expected.append((part, (1 << len(part)) - 1))
        for at in range(0, values, lanes):
            while rng.random() >= p_valid:
                dut.valid_i.value = 0
                dut.row_last_i.value = int(rng.integers(2))
                await step()
            count = min(lanes, values - at)
            group = row[at * size : (at + count) * size] + rng.bytes((lanes - count) * size)
            dut.valid_i.value = 1
            dut.row_last_i.value = int(at + lanes >= values)
            dut.lanes_i.value = (1 << count) - 1
            getattr(dut, f"{name}_i").value = int.from_bytes(group, "little")
            await step()
    dut.valid_i.value = 0
    await step()
    assert len(beats) == len(expected)
    for (actual, strobes), (part, expected_strobes) in zip(beats, expected):
        assert strobes == expected_strobes and actual[: len(part)] == part
