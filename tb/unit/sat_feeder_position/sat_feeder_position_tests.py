# SPDX-License-Identifier: Apache-2.0
"""sat_feeder_position against nested loops, with steps at random."""

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng

SETTLE = 3  # cycles from a group's start until all is there


def groups(command, begin, a_depth, chunk_k, lanes):
    """Outputs in order, of a command whose first chunk lies at `begin`."""
    m = 1 << command["m_log2"]
    base, half = begin, 0
    for col in range(command["col_tiles"]):
        for row in range(command["row_tiles"]):
            first = True
            for segment in range(command["k_segments"]):
                for start_k in range(0, command["depth"], chunk_k):
                    length = min(chunk_k, command["depth"] - start_k)
                    ends_segment = start_k + chunk_k >= command["depth"]
                    row_words = -(-length // lanes)
                    words = row_words << command["t2_log2"]
                    words += words % 2
                    for k in range(0, length, m):
                        ends_chunk = k + m >= length
                        ends_tile = (ends_chunk and ends_segment
                                     and segment == command["k_segments"] - 1)
                        last_row = row == command["row_tiles"] - 1
                        last_col = col == command["col_tiles"] - 1
                        rewind = (ends_tile and last_row and not last_col
                                  and command["a_resident"])
                        yield {"half": half, "first": first, "k": k, "ends_chunk": ends_chunk,
                               "ends_tile": ends_tile, "last_row": last_row,
                               "last_col": last_col, "rewind": rewind,
                               "fresh": k == 0 and (not command["a_resident"] or col == 0),
                               "base": base, "len": length, "row_words": row_words,
                               "words": words}
                        half, first = 1 - half, ends_tile
                        if ends_chunk:
                            base = begin if rewind else (base + words) % a_depth


@cocotb.test()
@cocotb.parametrize(p_advance=[1.0, 0.5])
async def test_groups(dut, p_advance):
    rng = make_rng(f"{p_advance}")
    a_depth, chunk_k, lanes = parameters(dut, "A_DEPTH", "CHUNK_K", "LANES")
    await start(dut)
    begin = 0  # commands follow each other in the ring
    for _ in range(40):
        m_log2 = int(rng.integers(5))
        chunks = rng.choice([0.5, 1, 2, 2.5])
        command = {"depth": max(1, int(chunks * chunk_k) - int(rng.choice([0, 1, m_log2]))),
                   "k_segments": int(rng.integers(1, 4)), "m_log2": m_log2,
                   "t2_log2": int(rng.integers(3)), "row_tiles": int(rng.integers(1, 4)),
                   "col_tiles": int(rng.integers(1, 4)), "a_resident": int(rng.integers(2))}
        for name, value in (command | {"start": 1, "advance": 0}).items():
            getattr(dut, f"{name}_i").value = value
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
        for expected in groups(command, begin, a_depth, chunk_k, lanes):
            advance = False
            for _ in range(SETTLE):
                await FallingEdge(dut.clk)
            while not advance:
                assert dut.valid_o.value
                got = {name: int(getattr(dut, f"{name}_o").value) for name in expected}
                assert got == expected, command
                advance = rng.random() < p_advance
                dut.advance_i.value = int(advance)
                await FallingEdge(dut.clk)
                dut.advance_i.value = 0
        assert not dut.valid_o.value
        begin = (expected["base"] + expected["words"]) % a_depth


@cocotb.test()
@cocotb.parametrize(side=["depth", "row_tiles"])
async def test_many_groups(dut, side):
    """More than 16 bits count."""
    rng = make_rng(side)
    a_depth, chunk_k, lanes = parameters(dut, "A_DEPTH", "CHUNK_K", "LANES")
    await start(dut)
    command = {"depth": 1, "k_segments": 1, "m_log2": 4, "t2_log2": 0, "row_tiles": 1,
               "col_tiles": 1, "a_resident": 0}
    command[side] = (1 << 16 if side == "row_tiles" else 1 << 18) + int(rng.integers(1, 100))
    for name, value in (command | {"start": 1, "advance": 0}).items():
        getattr(dut, f"{name}_i").value = value
    await FallingEdge(dut.clk)
    dut.start_i.value = 0
    for expected in groups(command, 0, a_depth, chunk_k, lanes):
        dut.advance_i.value = 0
        for _ in range(SETTLE):
            await FallingEdge(dut.clk)
        dut.advance_i.value = 1
        assert dut.valid_o.value and int(dut.ends_tile_o.value) == expected["ends_tile"]
        assert int(dut.last_row_o.value) == expected["last_row"], command
        await FallingEdge(dut.clk)
    dut.advance_i.value = 0
    assert not dut.valid_o.value
