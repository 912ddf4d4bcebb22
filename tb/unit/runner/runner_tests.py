# SPDX-License-Identifier: Apache-2.0
"""Tests that pass and fail on purpose, for test_runner.py."""

import atexit
import os
import sys

import cocotb

from tb.common.rng import make_rng


@cocotb.test()
async def test_passes(dut):
    assert dut.out_o is not None


@cocotb.test()
async def test_fails(dut):
    assert dut.out_o is None, f"on purpose, optimised {sys.flags.optimize}"


@cocotb.test()
async def test_ends_badly(dut):
    """Passes, but the simulator exits with 1 after the results are written."""
    atexit.register(os._exit, 1)


@cocotb.test()
async def test_seed(dut):
    """Streams of one seed differ by name and repeat."""
    first, again, other = (make_rng(name).integers(1 << 32) for name in ("a", "a", "b"))
    assert first == again != other
    if "SAT_EXPECTED" in os.environ:
        assert os.environ["COCOTB_RANDOM_SEED"] == os.environ["SAT_EXPECTED"]
