# SPDX-License-Identifier: Apache-2.0
"""sat_cmd_windows against the golden sizes, with the multiplier that the module around it has."""

from collections import Counter

import cocotb
from cocotb.triggers import FallingEdge, Timer

from sat_golden.checks import window_sizes
from sat_golden.defs import POOL_POSITIONS_MAX, SIZE_MAX, MatmulFlag, Opcode
from sat_golden.descriptor import Descriptor
from tb.common.clock import start
from tb.common.rng import make_rng

SIDES = ("map_h", "map_w", "out_h", "out_w")


def draw(rng):
    """Often with products around the largest size."""
    def side(most):
        return int(rng.integers(1, 1 + int(rng.choice([3, 60, 1000, most]))))

    pool = bool(rng.integers(2))
    sizes = {name: side(65535) for name in SIDES}
    m = 1 << int(rng.integers(1, 5))
    return Descriptor(
        Opcode.POOL if pool else Opcode.MATMUL, n=m if rng.random() < 0.3 else 1, m=m,
        flags=0 if pool else MatmulFlag.CONV | MatmulFlag.A_TRANS * int(rng.integers(2)),
        rows=side(SIZE_MAX), depth=side(SIZE_MAX), kernel_h=int(rng.integers(1, 16)),
        kernel_w=int(rng.integers(1, 16)), **sizes)


def is_bad(desc):
    positions = desc.windows.positions
    return (any(size > SIZE_MAX for size in window_sizes(desc))
            or (desc.opcode == Opcode.POOL and positions > POOL_POSITIONS_MAX))


async def verdict(dut, inputs):
    """Whether the device finds the sizes bad; else they are at its outputs."""
    for name, value in inputs.items():
        getattr(dut, f"{name}_i").value = int(value)
    dut.start_i.value = 1
    done = False
    products = [0, 0]  # of what was asked for in the last two cycles
    for cycle in range(9):
        dut.prod_i.value = products.pop(0)
        await Timer(1, "ns")
        if cycle and dut.bad_o.value:
            return True
        if done:
            return False
        done = bool(cycle and dut.done_o.value)
        products.append(dut.mul_a_o.value.to_unsigned() * dut.mul_b_o.value.to_unsigned())
        await FallingEdge(dut.clk)
        dut.start_i.value = 0
    raise AssertionError("no verdict within 8 cycles")


@cocotb.test()
async def test_sizes(dut):
    rng = make_rng("sizes")
    await start(dut)
    seen: Counter[tuple[bool, bool]] = Counter()
    for _ in range(3000):
        desc = draw(rng)
        pool, view = desc.opcode == Opcode.POOL, desc.windows
        trans = not pool and desc.has(MatmulFlag.A_TRANS)
        inputs = {name: getattr(desc, name) for name in (*SIDES, "kernel_h", "kernel_w", "m")}
        bad = await verdict(dut, inputs | {
            "pool": pool, "a_trans": trans, "dense": desc.dense, "images": desc.rows,
            "channels": desc.depth})
        assert bad == is_bad(desc), desc
        seen[pool, bad] += 1
        if not bad:
            columns = view.positions * desc.depth
            assert dut.pixels_o.value.to_unsigned() == view.pixels, desc
            assert dut.result_rows_o.value.to_unsigned() == (columns if trans else view.count)
            if not pool:
                assert dut.s_rows_o.value.to_unsigned() == (
                    view.count if trans else view.positions * desc.padded(desc.depth)), desc
    assert min(seen.values()) > 50 and len(seen) == 4, seen
