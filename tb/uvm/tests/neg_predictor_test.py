# SPDX-License-Identifier: Apache-2.0
"""A golden model that is wrong in one bit of a result does not pass."""

from tb.uvm.env.prediction import Prediction
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegPredictorTest(SatNegativeTest):
    fires = ("MEMORY",)

    def tamper_prediction(self, prediction: Prediction) -> None:
        ranges = prediction.expected.result.output_ranges()
        if ranges:
            memory = prediction.expected.memory
            memory.data[ranges[0][0] - memory.base] ^= 1
