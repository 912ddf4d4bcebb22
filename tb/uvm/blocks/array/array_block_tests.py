# SPDX-License-Identifier: Apache-2.0
"""Simulator side: tests of the environment of sat_array, for cocotb."""

from __future__ import annotations

import pyuvm

from tb.uvm.blocks.array.array_random_test import ArrayRandomTest
from tb.uvm.blocks.array.neg_array_test import NegArrayTest

LIMIT_MS = 50  # simulated

TESTS = (ArrayRandomTest,)
NEGATIVE_TESTS = (NegArrayTest,)

for test in (*TESTS, *NEGATIVE_TESTS):
    pyuvm.test(timeout_time=LIMIT_MS, timeout_unit="ms")(test)
