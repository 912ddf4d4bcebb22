# SPDX-License-Identifier: Apache-2.0
"""A golden model that expects another error does not pass."""

from sat_golden.defs import Error
from tb.uvm.env.prediction import Prediction
from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegPredictedErrorTest(SatNegativeTest):
    fires = ("ERROR",)

    def tamper_prediction(self, prediction: Prediction) -> None:
        result = prediction.expected.result
        if result.code == Error.PROGRAM:
            result.code = Error.OPCODE
