# SPDX-License-Identifier: Apache-2.0
"""An error as the registers showed it."""

from __future__ import annotations

from dataclasses import dataclass

from sat_golden.defs import Error
from tb.uvm.env.prediction import Prediction


@dataclass
class ReportedError:
    """`prediction` is that of the program that failed (BUSY: that was running)."""

    code: Error
    index: int
    address: int
    prediction: Prediction | None
