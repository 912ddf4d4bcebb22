# SPDX-License-Identifier: Apache-2.0
"""Simulator side: all tests of the top level, for cocotb."""

from __future__ import annotations

import pyuvm

from tb.uvm.tests.neg_axil_test import NegAxilTest
from tb.uvm.tests.neg_counter_test import NegCounterTest
from tb.uvm.tests.neg_error_test import NegErrorTest
from tb.uvm.tests.neg_irq_pin_test import NegIrqPinTest
from tb.uvm.tests.neg_irq_status_test import NegIrqStatusTest
from tb.uvm.tests.neg_logged_error_test import NegLoggedErrorTest
from tb.uvm.tests.neg_memory_test import NegMemoryTest
from tb.uvm.tests.neg_overflow_test import NegOverflowTest
from tb.uvm.tests.neg_predicted_error_test import NegPredictedErrorTest
from tb.uvm.tests.neg_predictor_test import NegPredictorTest
from tb.uvm.tests.neg_protocol_test import NegProtocolTest
from tb.uvm.tests.neg_ral_test import NegRalTest
from tb.uvm.tests.neg_register_test import NegRegisterTest
from tb.uvm.tests.neg_response_test import NegResponseTest
from tb.uvm.tests.neg_status_test import NegStatusTest
from tb.uvm.tests.neg_traffic_test import NegTrafficTest
from tb.uvm.tests.sat_bus_error_test import SatBusErrorTest
from tb.uvm.tests.sat_busy_test import SatBusyTest
from tb.uvm.tests.sat_clear_test import SatClearTest
from tb.uvm.tests.sat_edge_test import SatEdgeTest
from tb.uvm.tests.sat_error_test import SatErrorTest
from tb.uvm.tests.sat_hang_test import SatHangTest
from tb.uvm.tests.sat_irq_test import SatIrqTest
from tb.uvm.tests.sat_large_test import SatLargeTest
from tb.uvm.tests.sat_mutant_test import SatMutantTest
from tb.uvm.tests.sat_random_test import SatRandomTest
from tb.uvm.tests.sat_register_test import SatRegisterTest
from tb.uvm.tests.sat_reset_test import SatResetTest
from tb.uvm.tests.sat_sample_test import SatSampleTest
from tb.uvm.tests.sat_smoke_test import SatSmokeTest
from tb.uvm.tests.sat_state_test import SatStateTest
from tb.uvm.tests.sat_stress_test import SatStressTest
from tb.uvm.tests.sat_succession_test import SatSuccessionTest
from tb.uvm.tests.sat_sweep_test import SatSweepTest

LIMIT_MS = 200  # simulated

TESTS = (
    SatSmokeTest, SatBusErrorTest, SatBusyTest, SatClearTest, SatEdgeTest, SatErrorTest,
    SatHangTest, SatIrqTest, SatLargeTest, SatMutantTest, SatRandomTest, SatRegisterTest,
    SatResetTest, SatSampleTest, SatStateTest, SatStressTest, SatSuccessionTest, SatSweepTest,
)

# These prove that the checkers fire.
NEGATIVE_TESTS = (
    NegAxilTest, NegCounterTest, NegErrorTest, NegIrqPinTest, NegIrqStatusTest, NegLoggedErrorTest,
    NegMemoryTest, NegOverflowTest, NegPredictedErrorTest, NegPredictorTest, NegProtocolTest,
    NegRalTest, NegRegisterTest, NegResponseTest, NegStatusTest, NegTrafficTest,
)

for test in (*TESTS, *NEGATIVE_TESTS):
    pyuvm.test(timeout_time=LIMIT_MS, timeout_unit="ms")(test)
