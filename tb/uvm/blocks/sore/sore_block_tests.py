# SPDX-License-Identifier: Apache-2.0
"""Simulator side: tests of the environment of sat_sore, for cocotb."""

from __future__ import annotations

import pyuvm

from tb.uvm.blocks.sore.neg_sore_test import NegSoreTest
from tb.uvm.blocks.sore.sore_random_test import SoreRandomTest

LIMIT_MS = 50  # simulated

TESTS = (SoreRandomTest,)
NEGATIVE_TESTS = (NegSoreTest,)

for test in (*TESTS, *NEGATIVE_TESTS):
    pyuvm.test(timeout_time=LIMIT_MS, timeout_unit="ms")(test)
