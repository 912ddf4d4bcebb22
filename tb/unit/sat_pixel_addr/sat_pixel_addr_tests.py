# SPDX-License-Identifier: Apache-2.0
"""sat_pixel_addr against the formulas of docs/reference/commands.md."""

from collections import deque

import cocotb
from cocotb.triggers import FallingEdge

from tb.common.clock import start
from tb.common.parameters import parameters
from tb.common.rng import make_rng

LATENCY = 6  # SAT_PIXEL_ADDR_LATENCY
MAPS = 100
ITEMS = 120
MOST = (1 << 24) - 1


def expected(config: dict[str, int], item: dict[str, int], addr_w: int) -> int | None:
    """Byte address of the pixel, None outside."""
    upsample = 1 << config["upsample_log2_i"]
    place = []
    for axis, pad, side in (("y", "pad_top_i", "map_h_i"), ("x", "pad_left_i", "map_w_i")):
        at = ((item[f"o{axis}_i"] << config["step_log2_i"])
              + (item[f"k{axis}_i"] << config["dilation_log2_i"]) - config[pad])
        if at % upsample or not 0 <= at // upsample < config[side]:
            return None
        place.append(at // upsample)
    pixel = (item["image_i"] * config["map_h_i"] + place[0]) * config["map_w_i"] + place[1]
    return (config["base_i"] + pixel * config["stride_i"] + item["offset_i"]) % (1 << addr_w)


def draw_map(rng, addr_w: int) -> tuple[dict[str, int], int]:
    """A map, and how many images of it there are: less than 2^24 pixels in all."""
    side = int(2 ** rng.uniform(2, 12))
    height = int(rng.integers(1, side + 1))
    width = int(rng.integers(1, min(side, MOST // height) + 1))
    images = int(rng.integers(1, MOST // (height * width) + 1))
    config = dict(
        base_i=64 * int(rng.integers(1 << (addr_w - 6))), stride_i=64 * int(rng.integers(1 << 18)),
        map_h_i=height, map_w_i=width, step_log2_i=int(rng.integers(4)),
        dilation_log2_i=int(rng.integers(4)), upsample_log2_i=int(rng.choice([0, 0, 0, 1, 2, 3])),
        pad_top_i=draw_pad(rng), pad_left_i=draw_pad(rng))
    return config, images


def draw_pad(rng) -> int:
    """Mostly small."""
    return int(rng.integers(-128, 128) if rng.random() < 0.1 else rng.integers(-8, 16))


def draw_item(rng, config: dict[str, int], images: int) -> dict[str, int]:
    """A window near the map, seldom far beyond its end."""
    item = dict(image_i=int(rng.integers(images)), ky_i=int(rng.integers(16)),
                kx_i=int(rng.integers(16)), offset_i=int(rng.integers(1 << 25)))
    for axis, side in (("oy_i", "map_h_i"), ("ox_i", "map_w_i")):
        reach = (config[side] << config["upsample_log2_i"] >> config["step_log2_i"]) + 4
        item[axis] = int(rng.integers(1 << 16 if rng.random() < 0.02 else reach))
    return item


@cocotb.test()
async def test_random_windows(dut):
    rng = make_rng()
    (addr_w,) = parameters(dut, "ADDR_W")
    await start(dut)
    inside = outside = 0
    for _ in range(MAPS):
        config, images = draw_map(rng, addr_w)
        for name, value in config.items():
            getattr(dut, name).value = value & 255 if name.startswith("pad") else value
        under_way: deque[int | None] = deque()
        for _ in range(ITEMS):
            item = draw_item(rng, config, images)
            for name, value in item.items():
                getattr(dut, name).value = value
            await FallingEdge(dut.clk)
            under_way.append(expected(config, item, addr_w))
            if len(under_way) < LATENCY:
                continue
            address = under_way.popleft()
            assert bool(dut.outside_o.value) == (address is None)
            if address is None:
                outside += 1
            else:
                inside += 1
                assert dut.addr_o.value.to_unsigned() == address
    assert inside > 300 and outside > 1000, f"{inside} inside, {outside} outside"
