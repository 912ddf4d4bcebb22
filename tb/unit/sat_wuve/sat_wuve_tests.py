# SPDX-License-Identifier: Apache-2.0
"""sat_wuve against golden update: whole tiles from modelled operand RAMs, with stalls."""

from __future__ import annotations

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer

from sat_golden import update
from sat_golden.stimulus import FP32_SPECIALS, ordinary_fp32, random_bits
from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng

SCALARS = ("inv_scale", "momentum", "lr", "decay")


def mixed(rng: np.random.Generator, shape, special: float) -> np.ndarray:
    other = np.where(rng.random(shape) < 0.7, rng.choice(FP32_SPECIALS, shape),
                     random_bits(rng, shape, np.uint32))
    return np.where(rng.random(shape) < special, other, ordinary_fp32(rng, shape))


def word(tile: np.ndarray, index: int, lanes: int) -> int:
    """The vector of `lanes` elements that `index` names."""
    return int.from_bytes(tile.ravel()[index * lanes:][:lanes].astype("<u4").tobytes(), "little")


async def run_tiles(dut, rng: np.random.Generator, tiles: list[dict], p_stall: float) -> dict:
    """Feed tiles back to back; {(tile, is weight, index): (mask, data)} and the cycles it took."""
    results: dict[tuple[int, int, int], tuple[int, int]] = {}
    lanes = parameters(dut, "DATA_W")[0] // 32
    done = cycles = 0
    current = 0
    vectors = (2 if dut.update_i.value else 1) * 256 // lanes  # results of a tile
    while done < len(tiles) * vectors:
        cycles += 1
        assert cycles < 100_000
        dut.tile_valid_i.value = int(current < len(tiles))
        dut.stall_i.value = int(rng.random() < p_stall)
        if current < len(tiles):
            dut.tile_rows_i.value, dut.tile_cols_i.value = tiles[current]["size"]
        await Timer(1, "ns")
        if dut.out_valid_o.value:
            weight = int(dut.out_weight_o.value)
            key = (done // vectors, weight, dut.out_index_o.value.to_unsigned())
            assert key not in results
            results[key] = (dut.out_mask_o.value.to_unsigned(), dut.out_data_o.value.to_unsigned())
            done += 1
        read = dut.read_o.value
        index, tile = dut.read_index_o.value.to_unsigned(), current
        current += int(dut.tile_ready_o.value)
        await FallingEdge(dut.clk)
        for name in ("gradient", "velocity", "weight"):
            data = word(tiles[tile][name], index, lanes) if read else int(rng.integers(1 << 62))
            getattr(dut, f"{name}_i").value = data
    results["cycles"] = cycles
    return results


@cocotb.test()
@cocotb.parametrize(p_stall=[0.0, 0.4], special=[0.0, 0.3], decay=[False, True])
async def test_update(dut, p_stall, special, decay):
    rng = make_rng(f"{p_stall} {special} {decay}")
    lanes = parameters(dut, "DATA_W")[0] // 32
    scalars = {name: int(mixed(rng, (), special)) for name in SCALARS}
    await start(dut, update_i=1, decay_en_i=int(decay),
                **{f"{name}_i": value for name, value in scalars.items()})
    if not decay:
        del scalars["decay"]
    tiles = [{name: mixed(rng, (16, 16), special) for name in ("gradient", "velocity", "weight")}
             | {"size": tuple(map(int, rng.integers(1, 17, 2)))} for _ in range(4)]
    results = await run_tiles(dut, rng, tiles, p_stall)
    for number, tile in enumerate(tiles):
        weights, velocity = update(tile["weight"], tile["velocity"], tile["gradient"], **scalars)
        rows, cols = tile["size"]
        for index in range(256 // lanes):
            row, column = divmod(index * lanes, 16)
            mask = sum(1 << k for k in range(lanes) if row < rows and column + k < cols)
            assert results[number, 0, index] == (mask, word(velocity, index, lanes))
            assert results[number, 1, index] == (mask, word(weights, index, lanes))
    if not p_stall:
        assert results["cycles"] <= len(tiles) * 256 // lanes * (4 if decay else 3) + 16


@cocotb.test()
async def test_copy(dut):
    """Without update_i, W passes unchanged (a NaN becomes canonical)."""
    rng = make_rng()
    lanes = parameters(dut, "DATA_W")[0] // 32
    await start(dut)
    tile = {name: mixed(rng, (16, 16), 0.5) for name in ("gradient", "velocity", "weight")}
    results = await run_tiles(dut, rng, [tile | {"size": (16, 16)}], 0.2)
    nan = tile["weight"] & 0x7FFFFFFF > 0x7F800000
    expected = np.where(nan, np.uint32(0x7FC00000), tile["weight"])
    for index in range(256 // lanes):
        assert results[0, 1, index] == ((1 << lanes) - 1, word(expected, index, lanes))
