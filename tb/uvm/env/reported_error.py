# SPDX-License-Identifier: Apache-2.0
"""An error as the registers showed it."""

from __future__ import annotations

from dataclasses import dataclass

from sat_golden.defs import Error
from tb.uvm.env.prediction import Prediction


@dataclass
class ReportedError:
    """`prediction` is that of the program that failed (BUSY: that was running), `read_beats` what
    the memory had given it until then."""

    code: Error
    index: int
    address: int
    prediction: Prediction | None
    read_beats: int
