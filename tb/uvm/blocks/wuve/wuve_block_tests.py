# SPDX-License-Identifier: Apache-2.0
"""Simulator side: tests of the environment of sat_wuve, for cocotb."""

from __future__ import annotations

import pyuvm

from tb.uvm.blocks.wuve.neg_wuve_test import NegWuveTest
from tb.uvm.blocks.wuve.wuve_random_test import WuveRandomTest

LIMIT_MS = 50  # simulated

TESTS = (WuveRandomTest,)
NEGATIVE_TESTS = (NegWuveTest,)

for test in (*TESTS, *NEGATIVE_TESTS):
    pyuvm.test(timeout_time=LIMIT_MS, timeout_unit="ms")(test)
